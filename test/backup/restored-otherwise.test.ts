import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { withBackup } from "../../src/backup/folder/open.ts";
import { compareWithBackup } from "../../src/backup/restore/compare.ts";
import { restoreBackup } from "../../src/backup/restore/restore.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { serverOf } from "../setup/majors.ts";
import { made, restoreAndCompare } from "./restored.ts";

test("what a dump never brings back is not missed, and what it writes otherwise is the same", async () => {
  const database = await createDatabase("restore otherwise");
  const { session } = database;
  for (const statement of [
    sql`CREATE SCHEMA app`,
    sql`CREATE TABLE app.leads AS SELECT n, n % 2 AS same FROM generate_series(1, 9) AS n`,
    sql`CREATE VIEW app.few AS SELECT n FROM app.leads WHERE n < 5 WITH LOCAL CHECK OPTION`,
    sql`ALTER VIEW app.few SET (security_barrier = TRUE)`,
    sql`DROP SCHEMA public`,
  ])
    await session.execute(statement);
  const build = sql`CREATE UNIQUE INDEX CONCURRENTLY leads_same ON app.leads (same)`;
  await expect(session.execute(build)).rejects.toThrow("could not create unique index");
  const backup = await made(database.url);
  expect(await restoreAndCompare(backup, database)).toEqual([]);
});

test("a valid index and another option are missed", async () => {
  const database = await createDatabase("restore options");
  const { session } = database;
  await session.execute(sql`CREATE TABLE leads (n integer)`);
  await session.execute(sql`CREATE INDEX leads_n ON leads (n)`);
  await session.execute(sql`CREATE VIEW few WITH (security_barrier = TRUE) AS SELECT n FROM leads`);
  const backup = await made(database.url);
  await session.execute(sql`DROP INDEX leads_n`);
  await session.execute(sql`ALTER VIEW few SET (security_barrier = FALSE)`);
  const differences = await withBackup(backup.folder, undefined, (opened) =>
    compareWithBackup(opened, { url: database.url }),
  );
  expect(differences).toEqual([
    expect.stringContaining("missing: index public.leads_n"),
    expect.stringContaining("changed: relation public.few"),
  ]);
});

test("a dump that pg_restore is too old for is refused with both versions", async () => {
  const database = await createDatabase("restore newer dump");
  const backup = await made(database.url);
  const file = path.join(backup.folder, "manifest.json");
  const manifest = await readFile(file, "utf8");
  await writeFile(file, manifest.replace(/("pgDumpVersion": ")\d+/, "$199"));
  await expect(restoreAndCompare(backup, database)).rejects.toMatchObject({
    code: "BACKUP_TOOL_MISSING",
    object: "pg_restore",
    fault: expect.stringMatching(/^version \d+ cannot read what pg_dump 99 wrote$/),
    next: expect.stringContaining("postgresql-client-99"),
  });
});

test("a backup of PostgreSQL 14 is restored on a server of its own version", async () => {
  const { url } = await serverOf(14);
  const database = await createDatabase("restore on 14", url);
  await database.session.execute(sql`CREATE TABLE leads AS SELECT 1 AS n`);
  const backup = await made(database.url);
  const target = { url, database: "restored on 14" };
  const request = { server: { url }, database: target.database, jobs: 1, anyLocale: true };
  const differences = await withBackup(backup.folder, undefined, async (opened) => {
    await restoreBackup({ backup: opened, ...request });
    return compareWithBackup(opened, target);
  });
  expect(differences).toEqual([]);
});
