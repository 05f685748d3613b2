import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

async function company(name: string) {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, 600);
  return { ...database, project: await makeProject(database.url, smallCompany) };
}

/** Temporary folders and servers of ours that are there now. */
async function temporary(): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names.filter((name) => /^tenantry-(temporary|server)-/.test(name));
}

test("a stage that fails in its rehearsal is not started, unless told so, or mended", async () => {
  const { session, project } = await company("rehearsal fails");
  const { fingerprint } = await readSnapshot(session);
  // Nobody's lead: the membership tells no organization.
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id DROP NOT NULL`);
  await session.execute(sql`INSERT INTO leads (phone) VALUES ('of nobody')`);
  const before = await readSnapshot(session);
  const rehearsed = await project.tenantry("rehearse", "--stage", "day1");
  expect(rehearsed).toMatchObject({ code: 1 });
  expect(rehearsed.stderr).toContain("leads without organization");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before.fingerprint.digest);
  const journal = sql`SELECT to_regnamespace('tenantry') IS NULL AS none`;
  expect(await session.rows(journal, z.unknown())).toEqual([{ none: true }]);

  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("failed in its rehearsal");
  const told = await project.tenantry("run", "--yes", "--stage", "day1", "--despite-rehearsal");
  expect(told).toMatchObject({ code: 3 });

  await session.execute(sql`DELETE FROM leads WHERE phone = 'of nobody'`);
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id SET NOT NULL`);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
  expect(await project.tenantry("rehearse", "--stage", "day1", "--sample", "50")).toMatchObject({
    code: 0,
  });
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`${signal} in a rehearsal leaves nothing of it, and nothing in the database`, async () => {
    const { session, project } = await company(`rehearsal ${signal}`);
    const { fingerprint } = await readSnapshot(session);
    const earlier = await temporary();
    const started = project.start("rehearse");
    const ours = async () => (await temporary()).filter((name) => !earlier.includes(name));
    // The scratch server is up: the copy is made, or the stages run on it.
    await expect
      .poll(async () => (await ours()).some((name) => name.startsWith("tenantry-server-")), {
        timeout: 30_000,
      })
      .toBe(true);
    const made = await ours();
    started.kill(signal);
    const { code, stderr } = await started.ended;
    expect(code).toBe(signal === "SIGKILL" ? -1 : 130);
    if (signal === "SIGINT") expect(stderr).toContain("it was a copy, which is gone");
    await expect
      .poll(async () => (await temporary()).filter((name) => made.includes(name)), {
        timeout: 20_000,
      })
      .toEqual([]);
    expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
    expect(await readdir(path.join(project.folder))).not.toContain("backups");
  });
}
