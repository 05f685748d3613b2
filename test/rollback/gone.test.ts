import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { expectDone, fingerprintOf, testTimeout } from "../three-days/three-days.ts";

async function threeDays(name: string) {
  const { session, url } = await createDatabase(name);
  await makeSmallCompany(session, 50);
  const project = await makeProject(url, { ...smallCompany, online: {} });
  expectDone(await project.tenantry("run", "--yes"));
  return { session, url, project };
}

const rollBackAll = (project: Project) => project.tenantry("rollback", "--all", "--yes");

test("a table that was dropped since its stage does not stop the rollback, and is said to be missing", {
  timeout: testTimeout,
}, async () => {
  const { session, project } = await threeDays("dropped since");
  await session.execute(sql`DROP TABLE calls`);
  const rolledBack = await rollBackAll(project);
  expect(rolledBack.stderr).toContain(
    "day1/calls/all-at-once: the table public.calls does not exist any more; nothing to undo on it",
  );
  // All is undone; the table itself is the difference.
  expect(rolledBack.code).toBe(3);
  const { entries } = await fingerprintOf(session);
  expect(entries.filter(({ object }) => object.includes("organization"))).toEqual([]);
  expect((await rollBackAll(project)).stderr).toContain("no stage is applied or running");
});

test("rollback.sql goes on without a table that was dropped since", {
  timeout: testTimeout,
}, async () => {
  const { session, url, project } = await threeDays("dropped since, by script");
  await session.execute(sql`DROP TABLE calls`);
  const backups = path.join(project.folder, "backups");
  const folders = (await readdir(backups)).filter((name) => /^day\d-/.test(name)).sort();
  for (const folder of folders.reverse()) {
    await execa("psql", ["--quiet", "--file", path.join(backups, folder, "rollback.sql"), url]);
  }
  const { entries } = await fingerprintOf(session);
  expect(entries.filter(({ object }) => object.includes("organization"))).toEqual([]);
});

test("a table that was renamed since is refused before Day 1 is undone, with what fixes it", {
  timeout: testTimeout,
}, async () => {
  const { session, project } = await threeDays("renamed since");
  await session.execute(sql`ALTER TABLE calls RENAME TO telephone_calls`);
  const refused = await rollBackAll(project);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    "the table public.calls does not exist any more: if it was renamed, give it its old name back",
  );
  await session.execute(sql`ALTER TABLE telephone_calls RENAME TO calls`);
  expectDone(await rollBackAll(project));
});
