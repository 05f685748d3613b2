import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { planStages } from "../../src/plan/plan.ts";
import { raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { prove } from "../../src/verify/stage.ts";
import { stages } from "../../stages/index.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";

const company = smallCompanies.find(({ kind }) => kind === "supabase") ?? none();

function none(): never {
  throw new Error("there is no Supabase company");
}

/** As the README's example has it: nothing is said of requests that nobody signed in for. */
const config: Config = { ...company.config, roles: { signedIn: "authenticated" } };
const withoutAnonymous: Config = {
  ...company.config,
  roles: { signedIn: "authenticated", anonymous: null },
};

const acceptingAnon: Config = {
  ...withoutAnonymous,
  audit: {
    accepted: [
      {
        rule: "role-beside",
        object: "anon",
        reason: "the gateway refuses requests without a user",
        until: "2999-12-31",
      },
    ],
  },
};

async function makeCompany(name: string) {
  const database = await createDatabase(name);
  onTestFinished(() => database.drop());
  for (const statement of company.statements) await database.session.execute(statement);
  // As Supabase has it: whatever is made is granted to everybody.
  await database.session.execute(
    sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated`,
  );
  const truncates = async () => {
    const allowed: string[] = [];
    for (const table of ["organization_users", "organizations", "leads", "calls", "notes"]) {
      const outcome = await database.session
        .transaction(async (queries) => {
          await queries.execute(sql`SET LOCAL ROLE anon`);
          await queries.execute(sql`TRUNCATE ${raw(table)} CASCADE`);
          throw new Error("done");
        })
        .catch((error: unknown) => (error instanceof Error ? error.message : ""));
      if (outcome === "done") allowed.push(table);
    }
    return allowed;
  };
  return { ...database, truncates };
}

test("anon can TRUNCATE nothing behind the fence, though the configuration does not name it", async () => {
  const { session, url, truncates } = await makeCompany("anon by default");
  const project = await makeProject(url, config);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const run = await project.tenantry("run", "--yes");
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(await truncates()).toEqual([]);
  const audit = await project.tenantry("audit", "--json");
  expect(audit.stdout).not.toContain("anon may TRUNCATE");
  // What was granted to it comes back with the rest.
  for (const stage of ["day3", "day2", "day1"]) {
    const undone = await project.tenantry("rollback", "--stage", stage, "--yes");
    expect(undone, undone.stderr).toMatchObject({ code: 0 });
  }
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
  const grants = await session.rows(
    sql`SELECT has_table_privilege('anon', 'notes', 'TRUNCATE') AS granted`,
    z.object({ granted: z.boolean() }),
  );
  expect(grants).toEqual([{ granted: true }]);
});

test("a configuration that says that there is no anonymous role is refused while the login can become anon, and the proof fails, until that is accepted by name", async () => {
  const { session, url, truncates } = await makeCompany("no anon by name");
  const project = await makeProject(url, withoutAnonymous);
  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stdout + refused.stderr).toContain("authenticator can become it with SET ROLE");
  await project.configure(acceptingAnon);
  for (const stage of ["day1", "day2"]) {
    const run = await project.tenantry("run", "--yes", "--stage", stage);
    expect(run, run.stderr).toMatchObject({ code: 0 });
  }
  expect(await truncates()).toEqual(expect.arrayContaining(["organization_users", "notes"]));
  const run = await runInForce(session, "day2");
  if (run === undefined) throw new Error("Day 2 is not applied");
  const violations = async (settings: Config) =>
    (await prove(session, parseSettings(settings, "the test"), run, "the fence")).flatMap(
      (result) => result.violations,
    );
  expect(await violations(acceptingAnon)).toEqual([]);
  expect(await violations(withoutAnonymous)).toEqual([
    expect.stringMatching(/^authenticator can become anon: REVOKE anon FROM authenticator/),
  ]);
  expect(await violations(config)).toEqual(
    expect.arrayContaining([
      "anonymous may empty public.organization_users with a TRUNCATE",
      "anonymous may empty public.notes with a TRUNCATE",
    ]),
  );
  // Journaled by a configuration without it, it goes back as it came.
  await project.configure(config);
  for (const stage of ["day2", "day1"]) {
    const undone = await project.tenantry("rollback", "--stage", stage, "--yes");
    expect(undone, undone.stderr).toMatchObject({ code: 0 });
  }
});

test("anon is taken where the database grants it something, and not where another database made it", async () => {
  const { session } = await createDatabase("anon of the server");
  const ask = async (...statements: readonly Sql[]) => {
    for (const statement of statements) await session.execute(statement);
    return (await readSnapshot(session)).server.usesAnon;
  };
  await session.execute(sql`
    DO $$
    BEGIN
      CREATE ROLE anon NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END $$`);
  expect(await ask(sql`CREATE TABLE things (id bigint)`)).toBe(false);
  expect(await ask(sql`GRANT SELECT ON things TO anon`)).toBe(true);
  expect(await ask(sql`REVOKE SELECT ON things FROM anon`)).toBe(false);
  expect(await ask(sql`ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO anon`)).toBe(true);
});

test("the plan takes it from the catalog, the same twice", async () => {
  const { session } = await makeCompany("anon planned");
  const snapshot = await readSnapshot(session);
  const plan = (one: Config) =>
    JSON.stringify(
      planStages(parseSettings(one, "the test"), snapshot, stages, { origin: "the test" }).stages,
    );
  expect(plan(config)).toBe(plan(config));
  expect(plan(config)).toBe(plan(company.config));
  expect(plan(withoutAnonymous)).not.toBe(plan(config));
});
