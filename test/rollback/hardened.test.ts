import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { schemaOf } from "../hardening/keyed-company.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany, welcomeNewCustomer } from "../setup/small-company.ts";

const hardened: Config = {
  ...smallCompany,
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"] },
};

const further = [
  "ALTER TABLE leads ADD reference text DEFAULT gen_random_uuid()",
  "ALTER TABLE leads ADD CONSTRAINT one_reference UNIQUE NULLS NOT DISTINCT (reference)",
  "COMMENT ON CONSTRAINT one_reference ON leads IS 'once'",
  'CREATE UNIQUE INDEX "a phone, once" ON leads (phone)',
  `COMMENT ON INDEX "a phone, once" IS 'it''s once'`,
  "COMMENT ON CONSTRAINT calls_lead_id_fkey ON calls IS 'of a lead'",
];

let template: TestDatabase;
let before: string;

/** A database after Day 3, of its own for each test. */
async function afterDay3() {
  const name = `${template.name.slice(0, 50)}_${Math.random().toString(36).slice(2, 10)}`;
  const server = await openSession({ url: inject("databaseUrl") });
  await server.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(template.name)}`);
  const url = template.url.replace(template.name, name);
  const session = await openSession({ url });
  onTestFinished(async () => {
    await session.close();
    await server.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
    await server.close();
  });
  const project = await makeProject(url, hardened);
  const script = async (stage: string, ...options: readonly string[]) => {
    const { stdout } = await project.tenantry("rollback", "--stage", stage, "--print-sql");
    return execa("psql", [url, "--quiet", "--no-psqlrc", ...options, "--file", "-"], {
      input: stdout,
      reject: false,
    });
  };
  return { session, url, project, script };
}

beforeAll(async () => {
  template = await makeDatabase("rollback of hardened");
  await makeSmallCompany(template.session, 50);
  for (const statement of further) await template.session.execute(raw(statement));
  before = await schemaOf(template.url);
});

afterAll(() => template.drop());

test("the three days are run", async () => {
  const project = await makeProject(template.url, hardened);
  const done = await project.tenantry("run", "--yes");
  expect(done.code, done.stderr).toBe(0);
  // A template has no other sessions.
  await template.session.close();
});

const dropped = [
  'DROP INDEX "a phone, once"',
  "ALTER TABLE leads DROP CONSTRAINT one_reference",
  "ALTER TABLE calls DROP CONSTRAINT calls_lead_id_fkey",
];

test("a hardened index, constraint and foreign key that somebody dropped since are back after a rollback", async () => {
  const { session, url, project } = await afterDay3();
  for (const statement of dropped) await session.execute(raw(statement));
  const rolledBack = await project.tenantry("rollback", "--all", "--yes");
  expect(rolledBack.code, rolledBack.stderr).toBe(0);
  expect(await schemaOf(url)).toBe(before);
});

test("rollback.sql does the same where they were dropped", async () => {
  const { session, url, script } = await afterDay3();
  for (const statement of dropped) await session.execute(raw(statement));
  for (const stage of ["day3", "day2", "day1"]) {
    const { exitCode, stderr } = await script(stage);
    expect(exitCode, stderr).toBe(0);
  }
  expect(await schemaOf(url)).toBe(before);
});

test("an index that an older version's inverse cannot use is not left behind", async () => {
  const { session, url, project } = await afterDay3();
  // As an older version journaled it.
  await session.execute(sql`
    UPDATE tenantry.step
       SET definition = jsonb_set(definition, '{down,sql}', replace(definition #>> '{down,sql}', ' IF EXISTS', '')::jsonb)
     WHERE id = 'day3/leads/one_reference/unique-constraint'
  `);
  await session.execute(raw("ALTER TABLE leads DROP CONSTRAINT one_reference"));
  const rolledBack = await project.tenantry("rollback", "--all", "--yes");
  expect(rolledBack.stderr).toContain("skipped, because an object was dropped since");
  expect(rolledBack.stderr).toContain("missing: constraint public.leads.one_reference");
  expect(rolledBack.code).toBe(3);
  expect(await schemaOf(url)).not.toContain("one_reference");
});

test("two organizations without a value, where NULLs are not distinct, are named before anything is undone", async () => {
  const { session, url, project, script } = await afterDay3();
  await session.execute(
    sql`INSERT INTO leads (person_id, phone, reference, organization_id) SELECT 1, 'of ' || id, NULL, id FROM organizations`,
  );
  const applied = await schemaOf(url);
  const refused = await project.tenantry("rollback", "--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("one_reference would be unique for all organizations again");
  const byScript = await script("day3");
  expect(byScript.exitCode).toBe(3);
  expect(byScript.stderr).toContain("one_reference would be unique for all organizations again");
  expect(await schemaOf(url)).toBe(applied);

  const forced = await script("day3", "--variable", "despite_guards=1");
  expect(forced.exitCode, forced.stderr).toBe(0);
  expect(forced.stdout).toContain("one_reference/unique-constraint: the index is not unique for");
  expect(await schemaOf(url)).not.toContain("_for_all");
});

test("rollback.sql refuses under a second customer's members unless that is meant, says what is lost first, and last what was done", async () => {
  const { session, url, script } = await afterDay3();
  await welcomeNewCustomer(session);
  const applied = await schemaOf(url);
  const refused = await script("day3");
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain("organization new-customer (New Customer) has 1 members");
  expect(refused.stderr).toContain("despite_guards=1");
  expect(await schemaOf(url)).toBe(applied);

  for (const stage of ["day3", "day2", "day1"]) {
    const done = await script(stage, "--variable", "despite_guards=1");
    expect(done.exitCode, done.stderr).toBe(0);
    const lines = done.stdout.split("\n");
    expect(lines[0]).toMatch(new RegExp(`^${stage}: the rollback loses `));
    expect(done.stdout.includes("who belongs to them")).toBe(stage === "day1");
    expect(lines.at(-1)).toMatch(new RegExp(`^${stage} is rolled back: \\d+ steps are undone`));
  }
  expect(await schemaOf(url)).toBe(before);
});

test("rollback --check says what a second customer's rollback would lose, exports it, and changes nothing", async () => {
  const { session, url, project } = await afterDay3();
  const quiet = await project.tenantry("rollback", "--check");
  expect(quiet.code, quiet.stderr).toBe(0);
  expect(quiet.stdout).toContain("day3, day2, day1: can be rolled back as it is now");
  expect(quiet.stdout).toContain("memberships, which the rollback saves first");

  await welcomeNewCustomer(session);
  await session.execute(
    sql`INSERT INTO leads (person_id, phone, organization_id) SELECT 1, 'shared', id FROM organizations`,
  );
  await session.execute(raw("COMMENT ON TABLE calls IS 'since'"));
  await session.execute(raw("CREATE VIEW counted AS SELECT organization_id FROM leads"));
  const applied = await schemaOf(url);
  const folder = path.join(project.folder, "export");
  const { code, stdout, stderr } = await project.tenantry(
    ...["rollback", "--check", "--export", folder, "--json"],
  );
  expect(code, stderr).toBe(1);
  const [line = ""] = stdout.split("\n").filter((one) => one.includes('"rollback-window"'));
  const window = JSON.parse(line);
  expect(window).toMatchObject({ possible: false, stages: ["day3", "day2", "day1"] });
  expect(window.losses).toContainEqual(
    expect.objectContaining({
      of: "customers",
      count: 1,
      some: ["organization new-customer (New Customer) has 1 members"],
    }),
  );
  expect(window.losses).toContainEqual(
    expect.objectContaining({
      of: "values of leads.a phone, once that organizations share",
      count: 1,
    }),
  );
  expect(window.losses).toContainEqual(
    expect.objectContaining({ of: "memberships", count: 9, saved: true }),
  );
  expect(window.refusals.join("\n")).toContain("view counted depends on column organization_id");
  expect(window.differences.join("\n")).toContain("comment on table public.calls");
  expect(await schemaOf(url)).toBe(applied);

  // A rollback refuses for the same reasons.
  await session.execute(raw("DROP VIEW counted"));
  const again = JSON.parse(
    (await project.tenantry("rollback", "--check", "--json")).stdout
      .split("\n")
      .find((one) => one.includes('"rollback-window"')) ?? "",
  );
  const refused = await project.tenantry("rollback", "--all", "--yes");
  for (const refusal of again.refusals) expect(refused.stderr).toContain(refusal.trim());

  const exported = await readdir(folder);
  expect(exported).toContain("day1-memberships.csv");
  const shared = exported.find((name) => name.includes("a-phone-once")) ?? "";
  expect(await readFile(path.join(folder, shared), "utf8")).toContain("shared");
});
