import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { withBackup } from "../../src/backup/folder/open.ts";
import {
  compareFingerprints,
  fingerprintSchema,
} from "../../src/catalog/fingerprint/fingerprint.ts";
import { samePrinted } from "../../src/catalog/fingerprint/printed-anew.ts";
import { asReadToday } from "../../src/catalog/fingerprint/stored-entry.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { made, restoreAndCompare } from "../backup/restored.ts";
import { signAgain } from "../bad-input/edited-manifest.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { expectDone, makeCompany } from "./company.ts";
import { config } from "./config.ts";

const keptSchema = z.object({
  digest: z.string(),
  entries: z.array(z.object({ object: z.string(), definition: z.string() })),
});

/** As a version kept it that took all options for a part of the schema. */
function withServersOwn(kept: unknown): string {
  const { digest, entries } = keptSchema.parse(kept);
  const own = entries.map(({ object, definition }, index) => {
    const option = `pg_attver=${8160818840 + index}`;
    if (!object.startsWith("column ")) return { object, definition };
    const others = / options \{(?=n_distinct)/;
    return {
      object,
      definition: others.test(definition)
        ? definition.replace(others, ` options {${option},`)
        : definition.replace(
            /( storage \w(?: grants .*?)?)(?= comment |$)/,
            `$1 options {${option}}`,
          ),
    };
  });
  return JSON.stringify({ digest, entries: own });
}

async function changeKept(session: Session, column: "fingerprint" | "fingerprint_after") {
  const name = raw(column);
  const runs = await session.rows(
    sql`SELECT id, ${name} AS kept FROM tenantry.run`,
    z.object({ id: z.coerce.number(), kept: z.unknown() }),
  );
  for (const { id, kept } of runs) {
    await session.execute(sql`
      UPDATE tenantry.run
         SET ${name} = ${withServersOwn(kept)}::jsonb
       WHERE id = ${id}
    `);
  }
}

test("a journal with the server's own options in it shows no drift, and is rolled back to equal", async () => {
  const { url, session } = await createDatabase("own options in a journal");
  await makeCompany(url);
  const project = await makeProject(url, config);
  expectDone(await project.tenantry("run", "--yes"));
  await changeKept(session, "fingerprint");
  await changeKept(session, "fingerprint_after");
  expectDone(await project.tenantry("audit", "--drift"));
  expectDone(await project.tenantry("rollback", "--all", "--yes"));
});

test("a backup with the server's own options in it is restored to what it holds", async () => {
  const database = await createDatabase("own options in a backup");
  await makeCompany(database.url);
  const backup = await made(database.url);
  const file = path.join(backup.folder, "content", "fingerprint.json");
  await writeFile(file, withServersOwn(JSON.parse(await readFile(file, "utf8"))));
  await signAgain(backup.folder);
  expect(await restoreAndCompare(backup, database)).toEqual([]);
  const { digest } = await withBackup(
    backup.folder,
    undefined,
    async (opened) => opened.fingerprint,
  );
  expect(digest).toBe((await readSnapshot(database.session)).fingerprint.digest);
});

test("an option that nobody knows is said once, and is neither drift nor a difference", async () => {
  const { url, session } = await createDatabase("unknown options");
  await makeCompany(url);
  const project = await makeProject(url, config);
  expectDone(await project.tenantry("run", "--yes"));
  await session.set("allow_system_table_mods", "on");
  const options = [
    `UPDATE pg_attribute SET attoptions = '{vendor_number=1}' WHERE attrelid = 'leads'::regclass AND attnum > 0`,
    `UPDATE pg_class SET reloptions = '{fillfactor=70,vendor_state=on}' WHERE oid = 'notes'::regclass`,
  ];
  for (const statement of options) await session.execute(raw(statement));
  const note =
    /note: options that PostgreSQL's manual does not document were not compared: vendor_number \(of \d columns, as public\.leads\.\w+\), vendor_state \(of 1 relation, as public\.notes\)/g;

  const drift = await project.tenantry("audit", "--drift");
  expect(drift.stdout).toContain("1 changes of the rest of the schema");
  expect(`${drift.stdout}${drift.stderr}`.match(note)).toHaveLength(1);
  // Of what the manual knows, what was lost is told.
  expect(drift.stdout).toContain("table public.notes: autovacuum_enabled off → default");

  await session.execute(
    raw(
      "UPDATE pg_class SET reloptions = '{vendor_state=on,fillfactor=70,autovacuum_enabled=off}' WHERE oid = 'notes'::regclass",
    ),
  );
  expectDone(await project.tenantry("audit", "--drift"));
  const back = await project.tenantry("rollback", "--all", "--yes");
  expectDone(back);
  expect(`${back.stdout}${back.stderr}`.match(note)).toHaveLength(1);
});

test.each([
  ["column public.t.a", "integer storage p options {pg_attver=816}", "integer storage p"],
  [
    "column public.t.a",
    "text default 'x options {a=1}'::text collation \"C\" storage x grants {} options {pg_attver=816,n_distinct=5} comment its options {pg_attver=816}",
    "text default 'x options {a=1}'::text collation \"C\" storage x grants {} options {n_distinct=5} comment its options {pg_attver=816}",
  ],
  [
    "relation public.v",
    "kind v owner postgres replica identity n options {security_barrier=true,vendor=1,check_option=local} partition of bound",
    "kind v owner postgres replica identity n options {check_option=local,security_barrier=true} partition of bound",
  ],
  [
    "relation public.v",
    'kind r owner postgres replica identity d options {"vendor=a,b {c}"} partition of bound',
    "kind r owner postgres replica identity d options partition of bound",
  ],
  [
    "function public.f()",
    "SELECT ' storage p options {pg_attver=816}'",
    "SELECT ' storage p options {pg_attver=816}'",
  ],
])("of %s, what was kept of options is what would be read today", (object, definition, today) => {
  expect(asReadToday({ object, definition })).toEqual({ object, definition: today });
});

test.each([
  ["UPDATE ONLY public.t old SET a = 1", "UPDATE ONLY public.t AS old SET a = 1"],
  ['DELETE FROM "Odd t" "Z z"\n USING u', 'DELETE FROM "Odd t" AS "Z z"\n USING u'],
  ["MERGE INTO t z\n USING u", "MERGE INTO t AS z\n USING u"],
  ["(EXTRACT(YEAR FROM at) > 1)", '(EXTRACT("YEAR" FROM at) > 1)'],
  ["EXTRACT(YEAR FROM at)", "EXTRACT(year FROM at)"],
  ["SELECT (NOT x IS DOCUMENT)", "SELECT (NOT (x IS DOCUMENT))"],
  ["btree (f(x) IS DOCUMENT)", "btree (((f(x) IS DOCUMENT)))"],
  ["a = ')' AND x IS DOCUMENT", "a = ')' AND (x IS DOCUMENT)"],
])("%s is the same as %s, printed by another minor", (before, after) => {
  expect(samePrinted(before, after)).toBe(true);
});

test.each([
  ["UPDATE t old SET a = 1", "UPDATE t AS new SET a = 1"],
  ["EXTRACT(year FROM at)", "EXTRACT(month FROM at)"],
  ["((a OR b) AND x IS DOCUMENT)", "(a OR (b AND x IS DOCUMENT))"],
  ["(a AND (b OR c))", "((a AND b) OR c)"],
  ["SELECT 'a'", "SELECT 'A'"],
])("%s is not %s", (before, after) => {
  expect(samePrinted(before, after)).toBe(false);
  const of = (definition: string) =>
    fingerprintSchema.parse({ digest: "", entries: [{ object: "rule t.r", definition }] });
  expect(compareFingerprints(of(before), of(after))).toHaveLength(1);
});
