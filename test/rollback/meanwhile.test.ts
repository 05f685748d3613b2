import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import {
  makeSmallCompany,
  smallCompany,
  untilBackfilling,
  welcomeNewCustomer,
} from "../setup/small-company.ts";

async function company(name: string, leads?: number) {
  const { session, url } = await createDatabase(name);
  await makeSmallCompany(session, leads);
  return { session, url, project: await makeProject(url, smallCompany) };
}

async function foldersOf({ folder }: Project): Promise<string[]> {
  return (await readdir(path.join(folder, "backups"))).sort();
}

async function statesOf(project: Project): Promise<unknown> {
  const { stdout } = await project.tenantry("status", "--json");
  const facts = z.object({ stages: z.array(z.object({ state: z.string() })) });
  return facts.parse(JSON.parse(stdout)).stages.map(({ state }) => state);
}

function holdLease(session: Session): Promise<number> {
  return session.execute(sql`
    UPDATE tenantry.lease
       SET holder = 'somebody@elsewhere',
           backend = pg_backend_pid(),
           backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
           expires_at = now() + interval '1 hour'
  `);
}

test("what another has undone since a rollback was asked for is not undone again, nor what it stood on", async () => {
  const { session, project } = await company("rolled back meanwhile");
  await project.tenantry("run", "--yes", "--stage", "day1");
  await project.tenantry("run", "--yes", "--stage", "day2");
  await holdLease(session);
  const started = project.start("rollback", "--yes");
  const waiting = sql`
    SELECT pid
      FROM pg_stat_activity
     WHERE application_name = 'tenantry lease'
       AND datname = current_database()
  `;
  await vi.waitFor(
    async () =>
      expect(await session.rows(waiting, z.object({ pid: z.number() }))).not.toHaveLength(0),
    { timeout: 20_000, interval: 5 },
  );
  await session.execute(sql`UPDATE tenantry.run SET state = 'rolled back' WHERE stage = 'day2'`);
  const before = await foldersOf(project);
  await session.execute(sql`UPDATE tenantry.lease SET expires_at = '-infinity'`);
  const refused = await started.ended;
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("another command changed what is applied"),
  });
  expect(await foldersOf(project)).toEqual(before);
  expect(await statesOf(project)).toEqual(["applied", "rolled back", "not applied"]);
});

test("a statement that goes on for a dead run keeps nobody waiting without a word", async () => {
  const { url, project } = await company("dead run");
  await project.tenantry("run", "--yes", "--stage", "day1");
  const dead = await openSession({ url }, "tenantry");
  await dead.execute(sql`BEGIN`);
  await dead.execute(sql`SELECT token FROM tenantry.lease FOR KEY SHARE`);
  const started = Date.now();
  const held = await project.tenantry("rollback", "--yes");
  expect(held).toMatchObject({ code: 4 });
  expect(held.stderr).toContain(`SELECT pg_terminate_backend(${dead.backend})`);
  expect(Date.now() - started).toBeLessThan(30_000);
  await dead.execute(sql`ROLLBACK`);
  await dead.close();
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
});

test("rollback.sql of an earlier run of the stage does not say that the one in force is undone", async () => {
  const { session, url, project } = await company("of an earlier run");
  await project.tenantry("run", "--yes", "--stage", "day1");
  await project.tenantry("run", "--yes", "--stage", "day2");
  await project.tenantry("rollback", "--yes", "--stage", "day2");
  // Small tables are taken in one step each now, and the steps have other names.
  await project.configure({ ...smallCompany, online: {} });
  await project.tenantry("run", "--yes", "--stage", "day2");
  const scripts = (await foldersOf(project)).filter((name) => /^day2-\w+Z$/.test(name));
  expect(scripts).toHaveLength(2);
  const psql = (folder: string | undefined) => {
    const script = path.join(project.folder, "backups", folder ?? "", "rollback.sql");
    return execa("psql", ["--quiet", "--no-psqlrc", "--file", script, url], { reject: false });
  };
  const refused = await psql(scripts[0]);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain("another run of day2");
  expect(refused.stderr).toContain("day2/settings/all-at-once");
  const token = sql`SELECT token::integer FROM tenantry.lease`;
  const one = z.object({ token: z.number() });
  const [before] = await session.rows(token, one);
  expect(await psql(scripts[1])).toMatchObject({ exitCode: 0 });
  expect(await statesOf(project)).toEqual(["applied", "rolled back", "not applied"]);
  // Whoever slept meanwhile and wakes finds the lease taken.
  const [after] = await session.rows(token, one);
  expect(after?.token).toBeGreaterThan(before?.token ?? Number.POSITIVE_INFINITY);
});

test("a stage that was begun earlier and fails is not undone by itself under new customers", async () => {
  const { session, project } = await company("begun earlier", 40_000);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const started = project.start("run", "--yes", "--stage", "day1");
  await untilBackfilling(session);
  started.kill("SIGKILL");
  await started.ended;
  await welcomeNewCustomer(session);
  // Nobody's lead: its membership tells no organization.
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id DROP NOT NULL`);
  await session.execute(sql`ALTER TABLE leads DISABLE TRIGGER USER`);
  await session.execute(sql`INSERT INTO leads (phone) VALUES ('of nobody')`);
  await session.execute(sql`ALTER TABLE leads ENABLE TRIGGER USER`);
  const stopped = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(stopped.code).not.toBe(0);
  expect(`${stopped.stdout}${stopped.stderr}`).toContain("is not rolled back, because");
  expect(`${stopped.stdout}${stopped.stderr}`).toContain("new-customer");
  expect(await statesOf(project)).toEqual(["running", "not applied", "not applied"]);

  await session.execute(sql`DELETE FROM organization_users WHERE user_id = 100`);
  const undone = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(undone.code).not.toBe(0);
  expect(undone.stderr).toContain("day1 was rolled back");
  expect((await foldersOf(project)).filter((name) => /attribution$/.test(name))).toHaveLength(1);
  await session.execute(sql`DELETE FROM leads WHERE phone = 'of nobody'`);
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id SET NOT NULL`);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});
