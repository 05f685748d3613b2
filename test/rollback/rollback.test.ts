import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany, welcomeNewCustomer } from "../setup/small-company.ts";

async function fingerprintOf(session: Session): Promise<string> {
  return (await readSnapshot(session)).fingerprint.digest;
}

async function backupsOf({ folder }: Project): Promise<string[]> {
  const names = await readdir(path.join(folder, "backups"));
  return names.filter((name) => name.startsWith("day")).sort();
}

test("undoing keeps rows that were written meanwhile", async () => {
  const { session, url } = await createDatabase("rows kept");
  await makeSmallCompany(session);
  const before = await fingerprintOf(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  await session.execute(sql`INSERT INTO leads (person_id, phone) VALUES (1, 'meanwhile')`);
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
  expect(await fingerprintOf(session)).toBe(before);
  const kept = sql`SELECT phone FROM leads WHERE phone = 'meanwhile'`;
  expect(await session.rows(kept, z.object({ phone: z.string() }))).toHaveLength(1);
});

test("each stage alone goes back to the fingerprint from before it", async () => {
  const { session, url } = await createDatabase("each stage alone");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  const fingerprints: string[] = [];
  for (const stage of ["day1", "day2", "day3"]) {
    fingerprints.push(await fingerprintOf(session));
    expect(await project.tenantry("run", "--yes", "--stage", stage)).toMatchObject({ code: 0 });
  }
  expect(new Set(fingerprints).size).toBe(3);
  for (const stage of ["day3", "day2", "day1"]) {
    expect(await project.tenantry("rollback", "--yes", "--stage", stage)).toMatchObject({
      code: 0,
    });
    expect(await fingerprintOf(session)).toBe(fingerprints.pop());
  }
});

test("rollback.sql does the same with psql alone, also twice", async () => {
  const database = await createDatabase("psql alone");
  const { session, url } = database;
  await makeSmallCompany(session);
  const before = await fingerprintOf(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  const backups = (await backupsOf(project)).reverse();
  expect(backups.map((name) => name.slice(0, 4))).toEqual(["day3", "day2", "day1"]);
  // A hasty database ends nothing of it.
  const { name } = database;
  await session.execute(sql`ALTER DATABASE ${ident(name)} SET statement_timeout = 1`);
  for (const backup of backups) {
    const script = path.join(project.folder, "backups", backup, "rollback.sql");
    await execa("psql", ["--quiet", "--no-psqlrc", "--file", script, url]);
    await execa("psql", ["--quiet", "--no-psqlrc", "--file", script, url]);
  }
  await session.execute(sql`ALTER DATABASE ${ident(name)} RESET statement_timeout`);
  expect(await fingerprintOf(session)).toBe(before);
  const status = await project.tenantry("status", "--json");
  expect(JSON.parse(status.stdout).stages).toMatchObject([
    { state: "rolled back" },
    { state: "rolled back" },
    { state: "rolled back" },
  ]);
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
});

test("a rollback that would show two customers to each other is refused, unless it is meant", async () => {
  const { session, url } = await createDatabase("guarded");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  await welcomeNewCustomer(session);
  const refused = await project.tenantry("rollback", "--all", "--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("new-customer");
  expect(refused.stderr).toContain("nothing was changed");
  expect(await project.tenantry("rollback", "--all", "--yes", "--despite-guards")).toMatchObject({
    code: 0,
  });
});

test("what somebody else changed meanwhile is told, with exit code 3", async () => {
  const { session, url } = await createDatabase("changed meanwhile");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  await session.execute(sql`ALTER TABLE leads ADD COLUMN hotfix text`);
  const outcome = await project.tenantry("rollback", "--yes");
  expect(outcome.code).toBe(3);
  expect(outcome.stderr).toContain("added: column public.leads.hotfix");
});

test("a stage that stands under another is not pulled away", async () => {
  const { session, url } = await createDatabase("pulled away");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  const refused = await project.tenantry("rollback", "--stage", "day1", "--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("day3 is applied, and must be rolled back first");
});

test("a rollback needs nothing of the configuration that the stage was run with", async () => {
  const { session, url } = await createDatabase("another configuration");
  await makeSmallCompany(session);
  const before = await fingerprintOf(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  await project.configure({
    ...smallCompany,
    names: { organizationColumn: "tenant", organizations: "tenants", helpers: "elsewhere" },
    day1: { tables: {} },
    day2: { tables: {} },
  });
  expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
  expect(await fingerprintOf(session)).toBe(before);
});

test("the rollback script names what is lost", async () => {
  const { session, url } = await createDatabase("what is lost");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  const [backup = ""] = await backupsOf(project);
  const script = await readFile(
    path.join(project.folder, "backups", backup, "rollback.sql"),
    "utf8",
  );
  expect(script).toContain("-- Loses the organizations and who belongs to them.");
});

test("the script of a stage that another stands on, or that was undone, changes nothing", async () => {
  const { session, url } = await createDatabase("script guarded");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  await project.tenantry("run", "--yes", "--stage", "day2");
  const [day1 = "", day2 = ""] = await backupsOf(project);
  const script = (backup: string) => path.join(project.folder, "backups", backup, "rollback.sql");
  const psql = (backup: string) =>
    execa("psql", ["--quiet", "--file", script(backup), url], { reject: false });
  const applied = await fingerprintOf(session);
  const refused = await psql(day1);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain("what was applied after day1 must be rolled back first");
  expect(await fingerprintOf(session)).toBe(applied);
  expect(await project.tenantry("--stage", "day1", "--verify")).toMatchObject({ code: 0 });

  expect(await psql(day2)).toMatchObject({ exitCode: 0 });
  expect(await psql(day1)).toMatchObject({ exitCode: 0 });
  // What has the name of something that the stage had made is somebody else's now.
  await session.execute(sql`CREATE SCHEMA tenancy`);
  await session.execute(sql`CREATE TABLE tenancy.mine AS SELECT 1 AS id`);
  const before = await fingerprintOf(session);
  expect(await psql(day1)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("nothing to undo"),
  });
  expect(await fingerprintOf(session)).toBe(before);
});

test("what others have made on the organizations is named before anything is undone", async () => {
  const { session, url } = await createDatabase("foreign dependents");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  const others = [
    sql`CREATE VIEW counted AS SELECT organization_id, count(*) FROM leads GROUP BY 1`,
    sql`CREATE TABLE bills (organization_id uuid REFERENCES organizations)`,
    sql`CREATE POLICY own ON bills USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
  ];
  for (const statement of others) await session.execute(statement);
  const standing = await fingerprintOf(session);
  const all = await project.tenantry("rollback", "--yes", "--all");
  expect(all).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing was undone") });
  expect(all.stderr).toContain("constraint bills_organization_id_fkey on table bills depends on");
  expect(all.stderr).not.toContain("settings");
  expect(await fingerprintOf(session)).toBe(standing);
  await project.tenantry("rollback", "--yes", "--stage", "day3");
  await project.tenantry("rollback", "--yes", "--stage", "day2");
  const before = await fingerprintOf(session);
  const refused = await project.tenantry("rollback", "--yes");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("view counted depends on column organization_id of table leads");
  expect(refused.stderr).toContain(
    "constraint bills_organization_id_fkey on table bills depends on",
  );
  expect(refused.stderr).toContain("policy own on table bills depends on function");
  expect(await fingerprintOf(session)).toBe(before);
  await session.execute(sql`DROP VIEW counted`);
  await session.execute(sql`DROP TABLE bills`);
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
});

test("a schema of the helper functions' name stops Day 1 before it begins, and is not touched", async () => {
  const { session, url } = await createDatabase("schema taken");
  await makeSmallCompany(session);
  await session.execute(sql`CREATE SCHEMA tenancy`);
  await session.execute(
    sql`CREATE FUNCTION tenancy.caller() RETURNS text LANGUAGE sql AS 'SELECT ''ours'''`,
  );
  const before = await fingerprintOf(session);
  const project = await makeProject(url, smallCompany);
  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("names.helpers");
  expect(refused.stderr).toContain("the schema tenancy exists already");
  expect(await fingerprintOf(session)).toBe(before);
});
