import { expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { CheckResult } from "../../src/events/verification.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { prove } from "../../src/verify/stage.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const config: Config = {
  ...smallCompany,
  roles: { signedIn: "small_company_app", login: "small_company_login" },
};

const login = sql`
  DO $$
  BEGIN
    CREATE ROLE small_company_login LOGIN NOINHERIT IN ROLE small_company_app;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
  END $$`;

async function company(name: string) {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, 40);
  await database.session.execute(login);
  return { ...database, project: await makeProject(database.url, config) };
}

async function proof(session: Session, settings = config): Promise<CheckResult[]> {
  const run = await runInForce(session, "day1");
  if (run === undefined) throw new Error("Day 1 is not applied");
  return prove(session, parseSettings(settings, "the configuration"), run, "the fence");
}

const violations = (results: readonly CheckResult[]) =>
  results.flatMap((result) => result.violations);

test("a policy that trusts the login that all requests share is got through", async () => {
  const { session, project } = await company("login trusted");
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  const whole = await proof(session);
  expect(violations(whole)).toEqual([]);
  expect(whole[0]?.claim).toBe(
    "requests log in as small_company_login and become small_company_app",
  );
  await session.execute(
    sql`${raw(`ALTER POLICY "Only their org's leads" ON leads USING (SESSION_USER = 'small_company_login'
          OR organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())));
        CREATE POLICY old ON leads USING (TRUE)`)}`,
  );
  const open = await proof(session);
  expect(violations(open).join("\n")).toMatch(/sees \d+ rows, of which \d+ are others'/);
  expect(open.flatMap(({ evidence }) => evidence ?? [])[0]?.as).toContain(
    "logged in as small_company_login, role small_company_app",
  );
  // Whoever does not log in as the application does, sees no others' rows.
  expect(violations(await proof(session, smallCompany)).join("\n")).not.toContain("sees");
});

test("a login that may not become the role of requests is refused before anything is changed", async () => {
  const { session, project } = await company("login refused");
  await session.execute(sql`REVOKE small_company_app FROM small_company_login`);
  try {
    const run = await project.tenantry("run", "--yes", "--stage", "day1");
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain(
      "small_company_app: small_company_login is not allowed to SET ROLE to it",
    );
    expect(run.stderr).not.toContain("backing up");
    expect(run.stderr).toContain('GRANT "small_company_app" TO "small_company_login"');
  } finally {
    await session.execute(sql`GRANT small_company_app TO small_company_login`);
  }
});

test("a login that is not there is a fault of the configuration, with the nearest name", async () => {
  const { project } = await company("login unknown");
  await project.configure({
    ...config,
    roles: { signedIn: "small_company_app", login: "small_company_logn" },
  });
  const run = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(run).toMatchObject({ code: 2 });
  expect(run.stderr).toContain("roles.login: the role small_company_logn does not exist");
  expect(run.stderr).toContain("small_company_login");
});

test("who is no superuser says that the login itself is not tried", async () => {
  const { session, url, project } = await company("login of no superuser");
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  const other = await openSession({ url });
  // The tables' owner it is, and no superuser.
  await session.execute(sql`
    DO $$
    BEGIN
      CREATE ROLE login_tests_owner BYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END $$`);
  await session.execute(
    sql`${raw(`
    GRANT small_company_app TO login_tests_owner;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO login_tests_owner;
    GRANT USAGE ON SCHEMA tenancy TO login_tests_owner;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenancy TO login_tests_owner`)}`,
  );
  await other.execute(sql`SET SESSION AUTHORIZATION login_tests_owner`);
  const results = await prove(
    other,
    parseSettings(config, "the configuration"),
    (await runInForce(session, "day1")) ?? neverApplied(),
    "the fence",
  );
  expect(results[0]?.unproven).toEqual([
    { what: expect.stringContaining("the login itself was not tried: only a superuser may") },
  ]);
  expect(violations(results)).toEqual([]);
  await other.close();
});

function neverApplied(): never {
  throw new Error("Day 1 is not applied");
}
