import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import { allResults } from "../../src/events/verification.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { tryAttacks } from "../../src/verify/attacks/attacks.ts";
import { tryIsolation } from "../../src/verify/proof/isolation.ts";
import { verifyStage } from "../../src/verify/stage.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const settings = parseSettings(smallCompany, "the small company");
const guard = `"Only their org's leads"`;

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase("verification");
  await makeSmallCompany(database.session);
});
afterAll(() => database.drop());

/** What of Day 1 does not hold. */
async function violations(): Promise<string[]> {
  const { session } = database;
  const run = await runInForce(session, "day1");
  if (run === undefined) throw new Error("Day 1 is not applied");
  const results = allResults(
    await verifyStage(session, { settings, run, reach: "and around it", emit: () => undefined }),
  );
  return results
    .filter((result) => result.violations.length > 0)
    .map((result) => `${result.claim}: ${result.violations.join(", ")}`);
}

test("verification before a stage is applied is exit code 3, after it 0", async () => {
  const project = await makeProject(database.url, smallCompany);
  expect(await project.tenantry("--stage", "day1", "--verify")).toMatchObject({ code: 3 });
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
  const verified = await project.tenantry("--stage", "day1", "--verify", "--verbose");
  expect(verified.stdout).toContain("leads as member of Test Client A: only their own");
  expect(verified.code).toBe(0);
  const json = await project.tenantry("--stage", "day3", "--verify", "--json");
  // Before it, a line for each table that is tried.
  const last = json.stdout.trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ stage: "day3", holds: true });
});

test("verification leaves nothing behind", async () => {
  const { session } = database;
  const before = (await readSnapshot(session)).fingerprint.digest;
  const count = sql`
    SELECT (SELECT count(*) FROM organizations) || ' ' || (SELECT count(*) FROM organization_users)
           || ' ' || (SELECT md5(string_agg(l::text, '' ORDER BY l.id)) FROM leads l)
           || ' ' || (SELECT string_agg(format('%s %s', sequencename, last_value), ', ' ORDER BY sequencename)
                        FROM pg_sequences) AS state
  `;
  const state = await session.rows(count, z.object({ state: z.string() }));
  expect(await violations()).toEqual([]);
  expect(await session.rows(count, z.object({ state: z.string() }))).toEqual(state);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});

const proofs = ["attacks are tried on all tables at once", "each table is tried as every persona"];

test.each(proofs)("no row of the application's is locked while %s", async (proof) => {
  const { session, url } = database;
  const run = await runInForce(session, "day2");
  if (run === undefined) throw new Error("Day 2 is not applied");
  const writer = await openSession({ url });
  let asked = 0;
  let ended = false;
  const writing = (async () => {
    while (!ended) {
      for (const table of ["leads", "calls", "settings"]) {
        // As an UPDATE locks; a foreign key of a row that is tried keeps its parent from going only.
        await writer.execute(sql`SELECT FROM ${ident(table)} FOR NO KEY UPDATE NOWAIT`);
        asked += 1;
      }
    }
  })();
  const fences = ["leads", "calls", "settings"].map((name) => ({
    relation: { schema: "public", name },
    label: name,
  }));
  const scope = { settings, tenancy: run.tenancy, fences };
  const tried =
    proof === proofs[0]
      ? [
          ...(await tryAttacks(session, scope, "on the fence")),
          ...(await tryAttacks(session, scope, "around the fence")),
        ]
      : await tryIsolation(session, { ...scope, personas: run.personas });
  expect(tried.flatMap(({ violations: found }) => found)).toEqual([]);
  ended = true;
  await writing;
  await writer.close();
  expect(asked).toBeGreaterThan(10);
});

/** The fence broken in one way each, how that is fixed, and what must be said of it. */
const mutants: readonly (readonly [string, string, string, RegExp])[] = [
  [
    "row-level security switched off",
    "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
    /leads as member of Test Client A: only their own: sees \d+ rows/,
  ],
  [
    "the guard opened for reading",
    `ALTER POLICY ${guard} ON leads USING (TRUE)`,
    `ALTER POLICY ${guard} ON leads USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
    /the guard of leads is restrictive/,
  ],
  [
    "a guard that was dropped, and an old policy that lets everybody see everything",
    `DROP POLICY ${guard} ON leads; CREATE POLICY old ON leads USING (TRUE)`,
    `DROP POLICY old ON leads; CREATE POLICY ${guard} ON leads AS RESTRICTIVE
       USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))
       WITH CHECK (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
    /a blind UPDATE got through/,
  ],
  [
    "a helper that gives everybody every organization",
    `CREATE OR REPLACE FUNCTION tenancy.caller_organizations() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC SELECT id FROM public.organizations; END`,
    `CREATE OR REPLACE FUNCTION tenancy.caller_organizations() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC SELECT membership.organization_id FROM public.organization_users AS membership
                     WHERE membership.user_id = tenancy.caller(); END`,
    /inserts a row for|is stopped by a constraint only/,
  ],
  [
    "a guard that asks by a function for each row",
    `ALTER POLICY ${guard} ON leads
       USING (organization_id IN (SELECT tenancy.caller_organizations()))
       WITH CHECK (organization_id IN (SELECT tenancy.caller_organizations()));
     ALTER POLICY "Users view their org's leads" ON leads
       USING (organization_id IN (SELECT tenancy.caller_organizations()))`,
    `ALTER POLICY ${guard} ON leads
       USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))
       WITH CHECK (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())));
     ALTER POLICY "Users view their org's leads" ON leads
       USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
    /is a filter over every row, not an index condition/,
  ],
  [
    "the index dropped",
    "DROP INDEX idx_leads_org_id",
    "CREATE INDEX idx_leads_org_id ON leads (organization_id)",
    /leads has a valid index that begins with organization_id/,
  ],
  [
    "a column that is nullable again",
    "ALTER TABLE calls ALTER COLUMN organization_id DROP NOT NULL",
    "ALTER TABLE calls ALTER COLUMN organization_id SET NOT NULL",
    /calls.organization_id is NOT NULL/,
  ],
  [
    "a call in another organization than its lead",
    "UPDATE calls SET organization_id = (SELECT id FROM organizations WHERE slug = 'alpha') WHERE id = 1",
    "UPDATE calls SET organization_id = (SELECT l.organization_id FROM leads l WHERE l.id = calls.lead_id) WHERE id = 1",
    /every row is in the organization of the rows that it references .*: calls\.calls_lead_id_fkey: 1 of/,
  ],
];

test.for(mutants)("%s is noticed", async ([, damage, fix, said]) => {
  const { session } = database;
  await session.execute(sql`${raw(damage)}`);
  const broken = await violations();
  await session.execute(sql`${raw(fix)}`);
  expect(broken.join("\n")).toMatch(said);
  expect(await violations()).toEqual([]);
});

test("a trigger that does what a rollback would not undo does not fire", async () => {
  const { session } = database;
  for (const statement of [
    "CREATE SEQUENCE dialled",
    `CREATE FUNCTION dial() RETURNS trigger LANGUAGE plpgsql AS
     'BEGIN PERFORM nextval(''dialled''); RETURN NEW; END'`,
    "CREATE TRIGGER dial BEFORE INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION dial()",
    "GRANT USAGE ON SEQUENCE dialled TO small_company_app",
  ]) {
    await session.execute(raw(statement));
  }
  const run = await runInForce(session, "day1");
  if (run === undefined) throw new Error("Day 1 is not applied");
  const results = allResults(
    await verifyStage(session, { settings, run, reach: "and around it", emit: () => undefined }),
  );
  const dialled = sql`SELECT is_called FROM dialled`;
  expect(await session.rows(dialled, z.unknown())).toEqual([{ is_called: false }]);
  const untried = results.flatMap(({ unproven = [] }) => unproven.map(({ what }) => what));
  expect(untried.join("\n")).toContain(
    "calls was not written to: a rollback does not undo its trigger dial",
  );
  expect(results.flatMap((result) => result.violations)).toEqual([]);
  await session.execute(raw("DROP FUNCTION dial() CASCADE"));
  await session.execute(raw("DROP SEQUENCE dialled"));
});

test("a row that somebody holds for a while does not make the proof fail", async () => {
  const { session, url } = database;
  const other = await openSession({ url });
  const held = other.transaction(async (queries) => {
    await queries.execute(sql`SELECT FROM person WHERE id = 1 FOR UPDATE`);
    await queries.execute(sql`SELECT pg_sleep(1.5)`);
  });
  expect(await violations()).toEqual([]);
  await held;
  await other.close();
  await session.execute(sql`SELECT 1`);
});

test("a lock that stays leaves a table untried, which is said, and is no leak", async () => {
  const project = await makeProject(database.url, smallCompany);
  const { session } = database;
  const outcome = await session.transaction(async (queries) => {
    await queries.execute(sql`LOCK TABLE organization_users IN SHARE MODE`);
    return project.tenantry("--stage", "day1", "--verify");
  });
  expect(outcome).toMatchObject({ code: 1 });
  expect(outcome.stderr).toContain("its isolation could not be tried");
});
