import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const config: Config = {
  ...smallCompany,
  exemptTables: { ...smallCompany.exemptTables, plans: "the price list" },
};

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase("drift in the journal");
  await makeSmallCompany(database.session, 100);
  for (const statement of [
    "CREATE VIEW open_deals AS SELECT id FROM leads",
    "CREATE TABLE plans (name text)",
  ]) {
    await database.session.execute(raw(statement));
  }
});
afterAll(() => database.drop());

const change = (statement: string) => database.session.execute(raw(statement));

async function tenantry(...words: readonly string[]): ReturnType<Project["tenantry"]> {
  return (await makeProject(database.url, config)).tenantry(...words);
}

const drift = () => tenantry("audit", "--drift");

describe("what changed since the last stage", { timeout: 600_000 }, () => {
  test("right after it, nothing did", async () => {
    const done = await tenantry("run", "--yes");
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const outcome = await drift();
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain("0 changes of what the fence stands on");
  });

  test("the rest of the schema is told by attributes, and fails nothing", async () => {
    await change("ALTER VIEW open_deals SET (security_invoker = on)");
    await change("ALTER TABLE plans ADD COLUMN price numeric");
    await change("CREATE TABLE forgotten (id integer)");
    const outcome = await drift();
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain("view public.open_deals: security_invoker off → on");
    expect(outcome.stdout).toContain("column public.plans.price: is new");
    expect(outcome.stdout).toContain("table public.forgotten: is new");
  });

  test("what the fence stands on is a finding with the statement that restores it", async () => {
    await change("ALTER FUNCTION tenancy.caller() IMMUTABLE");
    const outcome = await drift();
    expect(outcome).toMatchObject({ code: 3 });
    expect(outcome.stdout).toContain("function tenancy.caller(): volatility STABLE → IMMUTABLE");
    expect(outcome.stdout).toContain("→ ALTER ROUTINE tenancy.caller() STABLE;");
    const json = await tenantry("audit", "--drift", "--json");
    expect(json.stdout).toContain('"id":"drift"');
    expect(json.stdout).toContain('"object":"function tenancy.caller()"');
  });

  test("a change can be accepted in the configuration, by object until a day", async () => {
    const accepted = [
      {
        rule: "drift",
        object: "function tenancy.caller()",
        reason: "tried in staging",
        until: "2999-12-31",
      },
    ];
    const meant = await makeProject(database.url, { ...config, audit: { accepted } });
    const outcome = await meant.tenantry("audit", "--drift");
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain("accepted until 2999-12-31: tried in staging");
  });

  test("accepted with a reason, it is what later changes are compared with", async () => {
    const outcome = await tenantry("audit", "--drift", "--accept", "the migration of May");
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain("1 changes accepted: the migration of May");
    const after = await drift();
    expect(after).toMatchObject({ code: 0 });
    expect(after.stdout).toMatch(/since postgres accepted its state at .*: the migration of May/);
    expect(after.stdout).not.toContain("forgotten");
    const rows = await database.session.rows(
      sql`SELECT reason, taken_by AS "takenBy", jsonb_array_length(changes) AS accepted FROM tenantry.fence_state ORDER BY id`,
      z.object({ reason: z.string().nullable(), takenBy: z.string(), accepted: z.number() }),
    );
    expect(rows.map(({ reason }) => reason)).toEqual([null, null, null, "the migration of May"]);
    expect(rows.at(-1)).toMatchObject({ takenBy: "postgres", accepted: 1 });

    await change("ALTER FUNCTION tenancy.caller() STABLE");
    const later = await drift();
    expect(later).toMatchObject({ code: 3 });
    expect(later.stdout).toContain("volatility IMMUTABLE → STABLE");
    await tenantry("audit", "--drift", "--accept", "as it was");
  });

  test("to accept takes a reason, and --drift", async () => {
    expect(await tenantry("audit", "--accept", "why")).toMatchObject({ code: 2 });
    expect(await tenantry("audit", "--drift", "--accept", " ")).toMatchObject({ code: 2 });
  });

  test("after a rollback it is compared with what the stage before it left", async () => {
    const undone = await tenantry("rollback", "--yes", "--stage", "day3");
    // What was changed by hand since is told by the rollback.
    expect([0, 1, 3]).toContain(undone.code);
    const outcome = await drift();
    expect(outcome.stdout).toContain("since day2 was applied");
    expect(outcome, outcome.stdout).toMatchObject({ code: 0 });
  });

  test("what was changed before a stage stays known after it, until it is accepted", async () => {
    await change("DROP TABLE forgotten");
    await change("ALTER FUNCTION tenancy.caller_administers() PARALLEL SAFE");
    const done = await tenantry("run", "--yes");
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(`${done.stdout}${done.stderr}`).toContain(
      "before day3 began, and nobody has accepted it",
    );
    const outcome = await drift();
    expect(outcome).toMatchObject({ code: 3 });
    expect(outcome.stdout).toContain("since day3 was applied");
    expect(outcome.stdout).toMatch(
      /caller_administers\(\): parallel UNSAFE → SAFE, before day3 began/,
    );
    await tenantry("audit", "--drift", "--accept", "meant");
    expect(await drift()).toMatchObject({ code: 0 });
  });

  test("a journal of an earlier version has no state: it says so, with the command that takes it", async () => {
    await change("DROP TABLE tenantry.fence_state");
    const outcome = await drift();
    expect(outcome).toMatchObject({ code: 3 });
    expect(outcome.stdout).toMatch(
      /\? the fence: its state when day3 was applied is not in the journal/,
    );
    expect(outcome.stdout).toContain('tenantry audit --drift --accept "reason"');
    expect(await tenantry("audit", "--drift", "--accept", "upgraded")).toMatchObject({
      code: 0,
    });
    expect(await drift()).toMatchObject({ code: 0 });
  });

  test("a state that was edited is refused", async () => {
    await change(`UPDATE tenantry.fence_state SET state = '{"entries": []}'`);
    const outcome = await drift();
    expect(outcome).toMatchObject({ code: 1 });
    expect(outcome.stderr).toContain(
      "has rows in its table fence_state that Tenantry did not write",
    );
  });
});
