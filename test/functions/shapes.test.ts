import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { judgeRoutines, type OwnersRoutine } from "../../src/catalog/routines/judge.ts";
import { readRoutines } from "../../src/catalog/routines/read-routines.ts";
import type { Tenants } from "../../src/catalog/routines/tenants.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { raw } from "../../src/postgres/sql.ts";
import { tenantsOf } from "../../src/steps/definer/tenants.ts";
import { type Shape, shapes } from "./shapes.ts";

const roles = ["authenticated", "anon"];
let session: Session;
let tenants: Tenants;
let finish: () => void = () => undefined;
let done: Promise<void> = Promise.resolve();

beforeAll(async () => {
  const company = smallCompanies.find(({ kind }) => kind === "supabase");
  if (company === undefined) throw new Error("there is no company on Supabase");
  await new Promise<void>((ready, failed) => {
    done = withFencedCompany({ url: inject("databaseUrl") }, company, async (fenced) => {
      session = fenced.session;
      const { tenancy, tenantTables, sharedTables } = fenced.fence;
      tenants = tenantsOf(tenancy, tenantTables, sharedTables);
      await new Promise<void>((resolve) => {
        finish = resolve;
        ready();
      });
    });
    done.catch(failed);
  });
}, 120_000);

afterAll(async () => {
  finish();
  await done;
});

async function judged(statements: readonly string[]): Promise<readonly OwnersRoutine[]> {
  return rolledBack(session, async (queries) => {
    for (const statement of statements) await queries.execute(raw(statement));
    return judgeRoutines(await readRoutines(queries, roles), tenants);
  });
}

const names = (one: OwnersRoutine | undefined, writes: boolean) =>
  one?.touched
    .filter((touched) => touched.writes === writes)
    .map(({ relation }) => relation.name)
    .sort()
    .join(", ");

function shown({ checks }: OwnersRoutine): readonly string[] | "none" {
  if (checks === undefined) return "none";
  return checks.map(({ argument, is }) =>
    is === "organization"
      ? `${argument} organization`
      : `${argument} ${is.relation.name}.${is.column}`,
  );
}

test("a fenced database has no function that requests reach as its owner", async () => {
  expect(await judged([])).toEqual([]);
});

test.each(shapes)("$name", async (shape: Shape) => {
  const all = await judged(shape.made);
  if (shape.of === null) {
    expect(all.map(({ routine }) => routine.signature)).toEqual([]);
    return;
  }
  const found = all.find(({ routine }) => routine.signature === shape.of);
  expect(found, all.map(({ routine }) => routine.signature).join()).toBeDefined();
  if (found === undefined) return;
  expect(found.closed ? "closed" : "open").toBe(shape.is);
  if (shape.reads !== undefined) expect(names(found, false)).toBe(shape.reads);
  if (shape.writes !== undefined) expect(names(found, true)).toBe(shape.writes);
  if (shape.asks !== undefined) expect(found.asks).toContain(shape.asks);
  if (shape.unknown === undefined) expect(found.unknown).toEqual([]);
  else expect(found.unknown.join()).toMatch(shape.unknown);
  if (shape.through === undefined)
    expect(
      found.callable || found.routine.returnsTrigger || found.routine.schema === "hidden",
    ).toBe(true);
  else expect(found.through).toMatch(shape.through);
  if (shape.checks !== undefined) expect(shown(found)).toEqual(shape.checks);
});
