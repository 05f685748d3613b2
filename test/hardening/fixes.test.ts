import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { killedProgram } from "../setup/built-program.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { allHardened, askedBy, makeHardenedCompany } from "./hardened-company.ts";

async function company(name: string, config: Config = allHardened, ...further: string[]) {
  const database = await createDatabase(name);
  await makeHardenedCompany(database.session, ...further);
  return { ...database, project: await makeProject(database.url, config) };
}

async function run(project: Project, ...stages: string[]): Promise<string> {
  let said = "";
  for (const stage of stages) {
    const done = await project.tenantry("run", "--yes", "--stage", stage);
    expect(done.code, done.stderr + done.stdout).toBe(0);
    said += done.stdout + done.stderr;
  }
  return said;
}

/** The access lists, options, settings and policies that hardening changes, in the server's own order. */
async function catalog(session: Session): Promise<unknown> {
  return session.rows(
    sql`
      SELECT c.oid::regclass::text AS name, c.reloptions::text AS options,
             ARRAY(SELECT g::text FROM unnest(c.relacl) AS g ORDER BY 1) AS acl
        FROM pg_class c
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S')
       UNION ALL
      SELECT p.oid::regprocedure::text, p.proconfig::text, NULL
        FROM pg_proc p
       WHERE p.pronamespace = 'public'::regnamespace
       UNION ALL
      SELECT p.polname || ' on ' || p.polrelid::regclass, obj_description(p.oid, 'pg_policy'), NULL
        FROM pg_policy p
       ORDER BY 1
    `,
    z.unknown(),
  );
}

/** The findings of the audit that hardening fixes. */
const fixed =
  /(definer-view|materialized-view|definer-search-path|sequence-writable|default-privileges|foreign-key-across|unique-across|shared-table-writable|truncate-granted|trigger-granted|references-granted)/;

const seen = sql`SELECT count(*)::integer AS one FROM "leads seen"`;
const own = sql`SELECT count(*)::integer AS one FROM leads`;
const counted = sql`SELECT many AS one FROM leads_counted`;

/** What a function that runs as its owner says to a caller whose own table has the name that it asks. */
async function deceived(session: Session): Promise<unknown> {
  return session.transaction(async (queries) => {
    await queries.execute(sql`SET LOCAL ROLE small_company_app`);
    await queries.execute(
      sql`CREATE TEMP TABLE leads ON COMMIT DROP AS SELECT 1 AS id, -1 AS person_id`,
    );
    const [row] = await queries.rows(
      sql`SELECT whose(1) AS one`,
      z.object({ one: z.coerce.number() }),
    );
    return row?.one;
  });
}

test("hardened in all, the audit finds nothing of it, a member sees their own organization through views, and it all goes back", {
  timeout: 300_000,
}, async () => {
  const { session, project } = await company("fixed");
  const atFirst = (await readSnapshot(session)).fingerprint;
  await run(project, "day1", "day2");
  const before = await readSnapshot(session);
  const catalogBefore = await catalog(session);
  expect(await askedBy(session, 1, seen)).toBe(200);
  expect(await deceived(session)).toBe(-1);
  expect((await project.tenantry("audit", "--json")).stdout).toMatch(/definer-view/);
  const settings = sql`SELECT count(*)::integer AS one FROM settings`;
  const calls = sql`SELECT count(*)::integer AS one FROM calls`;
  const visible = async () => [
    await askedBy(session, 1, settings),
    await askedBy(session, 1, calls),
    await askedBy(session, 5, calls),
  ];
  const rows = await visible();

  for (const time of ["once", "again"]) {
    await run(project, "day3");
    const alpha = await askedBy(session, 5, own);
    expect(alpha, time).toBeGreaterThan(0);
    expect(alpha).toBeLessThan(200);
    expect(await askedBy(session, 5, seen)).toBe(alpha);
    expect(await askedBy(session, 5, counted)).toBe(alpha);
    expect(await visible()).toEqual(rows);
    expect(await deceived(session)).toBe(2);
    expect(await askedBy(session, 1, sql`SELECT nextval('leads_id_seq') > 0 AS one`)).toBe(true);
    for (const refused of [
      sql`SELECT count(*) AS one FROM calls_counted`,
      sql`SELECT setval('leads_id_seq', 1) AS one`,
      sql`SELECT last_value AS one FROM leads_id_seq`,
      sql`TRUNCATE countries`,
    ]) {
      await expect(askedBy(session, 1, refused)).rejects.toMatchObject({ code: "42501" });
    }
    const audit = await project.tenantry("audit", "--json");
    expect(audit.stdout).not.toMatch(fixed);
    const verified = await project.tenantry("--stage", "day3", "--verify");
    expect(verified, verified.stdout + verified.stderr).toMatchObject({ code: 0 });

    const back = await project.tenantry("rollback", "--yes");
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect((await readSnapshot(session)).fingerprint).toEqual(before.fingerprint);
    expect(await catalog(session)).toEqual(catalogBefore);
  }
  expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
  expect((await readSnapshot(session)).fingerprint).toEqual(atFirst);
});

test("the plan's policies take the place of those that let everybody through, for the same roles and commands", {
  timeout: 200_000,
}, async () => {
  const { session, project } = await company("fixed policies");
  await run(project, "day1", "day2", "day3");
  const policies = await session.rows(
    sql`
      SELECT tablename || ': ' || policyname || ' ' || cmd || ' ' || roles::text AS policy
        FROM pg_policies
       WHERE tablename IN ('settings', 'calls', 'leads')
         AND permissive = 'PERMISSIVE'
       ORDER BY 1
    `,
    z.object({ policy: z.string() }),
  );
  expect(policies.map(({ policy }) => policy)).toMatchInlineSnapshot(`
    [
      "calls: Users insert calls to their org INSERT {public}",
      "calls: Users view their org's calls SELECT {small_company_app}",
      "calls: changes UPDATE {public}",
      "leads: Users delete their org's leads DELETE {public}",
      "leads: Users insert leads to their org INSERT {public}",
      "leads: Users update their org's leads UPDATE {public}",
      "leads: Users view their org's leads SELECT {public}",
      "settings: Users delete their org's settings DELETE {public}",
      "settings: Users insert settings to their org INSERT {public}",
      "settings: Users update their org's settings UPDATE {public}",
      "settings: Users view their org's settings SELECT {public}",
    ]
  `);
});

test("what cannot be hardened is said with its reason, and by its name it is a fault", {
  timeout: 200_000,
}, async () => {
  const { session, project } = await company(
    "fixed reasons",
    allHardened,
    `DO $$
     BEGIN
       CREATE ROLE small_company_reports NOLOGIN;
     EXCEPTION WHEN duplicate_object OR unique_violation THEN
       NULL;
     END $$`,
    // Whoever may read the view may not read what is under it.
    "CREATE TABLE prices (lead_id bigint REFERENCES leads, price integer)",
    "REVOKE ALL ON prices FROM small_company_app",
    "CREATE VIEW cheap AS SELECT l.id, p.price FROM leads l JOIN prices p ON p.lead_id = l.id",
    "GRANT SELECT ON cheap TO small_company_app",
    // Some columns are enough for some views.
    "GRANT SELECT (lead_id) ON prices TO small_company_app",
    "CREATE VIEW priced AS SELECT p.lead_id FROM prices p JOIN leads l ON l.id = p.lead_id",
    "CREATE VIEW whole AS SELECT l.id, p AS everything FROM prices p JOIN leads l ON l.id = p.lead_id",
    "GRANT SELECT ON priced, whole TO small_company_app",
    "CREATE VIEW counted_again AS SELECT many FROM calls_counted",
    "CREATE VIEW reported AS SELECT id FROM leads",
    "GRANT SELECT ON reported, leads TO small_company_reports",
    "CREATE VIEW over_reported AS SELECT id FROM reported",
    // A view over it is read by those who have no privilege under it.
    "CREATE VIEW under AS SELECT price, lead_id FROM prices JOIN leads ON leads.id = lead_id",
    "CREATE VIEW upper_one AS SELECT price FROM under",
    "GRANT SELECT ON upper_one TO small_company_app",
    "CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN SET LOCAL search_path = public; END $$",
    "CREATE SEQUENCE numbers OWNED BY leads.id",
    "GRANT UPDATE ON SEQUENCE numbers TO small_company_app",
    "CREATE POLICY halfway ON leads FOR UPDATE USING (TRUE) WITH CHECK (phone <> '')",
    `DO $$
     BEGIN
       EXECUTE format('ALTER ROLE small_company_app IN DATABASE %I SET search_path = "$user", pg_catalog', current_database());
     END $$`,
    "CREATE POLICY narrow ON leads FOR UPDATE USING (phone <> '')",
  );
  const exempt = { ...allHardened.exemptTables, prices: "kept for themselves" };
  await project.configure({ ...allHardened, exemptTables: exempt });
  const planned = await project.tenantry("plan", "--stage", "day3", "--json");
  const shown = await project.tenantry("plan", "--stage", "day3");
  for (const reason of [
    "cheap (small_company_app may read it, and has no SELECT on prices)",
    "whole (small_company_app may read it, and has no SELECT on prices)",
    "counted_again (reads calls_counted, a materialized view, which has no row-level security)",
    "reported (small_company_reports reads it, is not a role of requests, and would see no rows)",
    "under (small_company_app may read it, and has no SELECT on prices)",
    "sets() (has search_path in its body: it may set it itself)",
    "whose(bigint) (is called with different search paths: small_company_app has pg_catalog, this session has public)",
    "numbers (is used by small_company_app for nextval with UPDATE only: grant USAGE first)",
    "leads.halfway (lets everybody through in one of its conditions only: the other may be intended)",
  ]) {
    expect(planned.stdout, planned.stderr).toContain(reason);
    expect(shown.stdout, shown.stderr).toContain(reason);
  }
  expect(planned.stdout).toContain("day3/priced/security-invoker");
  expect(planned.stdout).not.toContain("narrow");

  await project.configure({
    ...allHardened,
    exemptTables: exempt,
    hardening: {
      views: ["cheap", "leads sene"],
      functions: ["whoes(bigint)"],
      defaultPrivileges: ["postgres in pubic"],
    },
  });
  const refused = await project.tenantry("plan");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("cheap small_company_app may read it");
  expect(refused.stderr).toContain("did you mean leads seen?");
  expect(refused.stderr).toContain("did you mean whose(bigint)?");
  expect(refused.stderr).toContain("in public?");
  await session.execute(sql`DROP VIEW cheap, whole, under, upper_one, priced`);
});

test("killed between its steps, Day 3 goes on; rollback.sql undoes it with psql alone", {
  timeout: 300_000,
}, async () => {
  const { session, project, url } = await company("fixed killed");
  await run(project, "day1", "day2");
  const { fingerprint } = await readSnapshot(session);
  const applied = sql`
    SELECT count(*) FILTER (WHERE s.state = 'applied')::integer AS applied, count(*)::integer AS steps
      FROM tenantry.step s
      JOIN tenantry.run r ON r.id = s.run_id AND r.stage = 'day3'
  `;
  for (const event of ["10", "7", "9"]) {
    const { signal, stdout } = await execa(
      process.execPath,
      [killedProgram, event, "run", "--yes", "--json", "--stage", "day3"],
      { cwd: project.folder, env: { DATABASE_URL: url }, reject: false, stdin: "ignore" },
    );
    expect(signal, stdout).toBe("SIGKILL");
  }
  const [midway] = await session.rows(
    applied,
    z.object({ applied: z.number(), steps: z.number() }),
  );
  expect(midway?.applied).toBeGreaterThan(0);
  expect(midway?.applied).toBeLessThan(midway?.steps ?? 0);
  await run(project, "day3");
  expect((await project.tenantry("audit", "--json")).stdout).not.toMatch(fixed);

  // What was dropped since is passed over.
  await session.execute(sql`DROP FUNCTION whose(bigint)`);
  const { stdout } = await project.tenantry("rollback", "--stage", "day3", "--print-sql");
  const psql = await execa("psql", [url, "--quiet", "--file", "-"], {
    input: stdout,
    reject: false,
  });
  expect(psql.stderr).toBe("");
  expect(psql.exitCode).toBe(0);
  const after = (await readSnapshot(session)).fingerprint;
  expect(after.entries).toEqual(
    fingerprint.entries.filter(({ object }) => !object.startsWith("function public.whose(")),
  );
});
