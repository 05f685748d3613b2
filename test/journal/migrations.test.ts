import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase, makeDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/**
 * The small company after Day 1, as each earlier version of Tenantry left it with its journal: written by
 * that version's own program, and dumped. The first of version 3 lacks the columns that came within it.
 */
const versions = [
  ["version-1", 1],
  ["version-2", 2],
  ["version-3-first", 3],
  ["version-3", 3],
] as const;

let before: string;

beforeAll(async () => {
  const { session, drop } = await makeDatabase("a company without a journal");
  await makeSmallCompany(session, 40);
  before = (await readSnapshot(session)).fingerprint.digest;
  await drop();
});

async function load(session: Session, version: string): Promise<void> {
  const file = new URL(`versions/${version}.sql`, import.meta.url);
  await session.execute(raw(await readFile(file, "utf8")));
  // pg_dump empties it for its own session.
  await session.execute(sql`RESET search_path`);
}

test.for(versions)(
  "a journal of %s is migrated between the days, goes on with Day 2, and is rolled back exactly",
  async ([name, version]) => {
    const { session, url } = await createDatabase(`journal of ${name}`);
    await load(session, name);
    const project = await makeProject(url, smallCompany);
    const early = await project.tenantry("status");
    // What version 3 has is enough to be read.
    expect([early.code, early.stderr]).toEqual([version < 3 ? 1 : 0, expect.anything()]);
    if (version < 3) expect(early.stderr).toContain("tenantry run, tenantry rollback");

    const run = await project.tenantry("run", "--stage", "day2", "--yes");
    expect([run.code, run.stderr]).toEqual([0, expect.anything()]);
    expect(run.stdout + run.stderr).toContain(`was migrated from version ${version} to 4`);
    const undone = await project.tenantry("rollback", "--all", "--yes");
    // The fingerprint that version 1 stored was of less: it differs where the schema does not.
    expect([undone.code, undone.stderr]).toEqual([version === 1 ? 3 : 0, expect.anything()]);
    expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
  },
);

test("a journal of the version before this one goes on through Day 3", async () => {
  const { session, url } = await createDatabase("journal through day 3");
  await load(session, "version-3");
  const project = await makeProject(url, smallCompany);
  const run = await project.tenantry("run", "--yes");
  expect([run.code, run.stderr]).toEqual([0, expect.anything()]);
  expect(await project.tenantry("verify", "day3")).toMatchObject({ code: 0 });
});

test("a journal of an earlier version is not migrated under a program that is running", async () => {
  const { session, url } = await createDatabase("journal in use");
  await load(session, "version-3");
  await session.execute(sql`
    UPDATE tenantry.lease
       SET holder = 'an older program',
           backend = pg_backend_pid(),
           backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
           expires_at = clock_timestamp() + interval '1 hour'
  `);
  const project = await makeProject(url, smallCompany);
  const run = await project.tenantry("run", "--yes");
  expect(run.code).toBe(4);
  expect(run.stderr).toContain("an older program");
  const rows = sql`SELECT version FROM tenantry.journal WHERE version = 3`;
  expect(await session.execute(rows)).toBe(1);
});

test("a journal of a later version is refused with the version to use", async () => {
  const { session, url } = await createDatabase("journal of a later version");
  await makeSmallCompany(session, 40);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--stage", "day1", "--yes");
  await session.execute(sql`UPDATE tenantry.journal SET version = 99, written_by = '9.1.0'`);
  for (const args of [["status"], ["run", "--yes"], ["rollback", "--yes"], ["verify", "day1"]]) {
    const refused = await project.tenantry(...args);
    expect([args, refused.code, refused.stderr]).toEqual([args, 1, expect.anything()]);
    expect(refused.stderr).toContain("next: use Tenantry 9.1.0 or later");
  }
});
