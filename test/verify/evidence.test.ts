import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { allResults, type CheckResult } from "../../src/events/verification.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { verifyStage } from "../../src/verify/stage.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const settings = parseSettings(smallCompany, "the small company");

let database: TestDatabase;
let applied = false;

beforeAll(async () => {
  database = await makeDatabase("evidence");
  await makeSmallCompany(database.session, 60);
});
beforeEach(async () => {
  if (applied) return;
  const project = await makeProject(database.url, smallCompany);
  expect(await project.tenantry("run", "--stage", "day1", "--yes")).toMatchObject({ code: 0 });
  applied = true;
});
afterAll(() => database.drop());

async function change(statements: string): Promise<void> {
  await database.session.execute(sql`${raw(statements)}`);
}

async function failed(): Promise<CheckResult[]> {
  const run = await runInForce(database.session, "day1");
  if (run === undefined) throw new Error("Day 1 is not applied");
  const results = allResults(
    await verifyStage(database.session, {
      settings,
      run,
      reach: "and around it",
      emit: () => undefined,
    }),
  );
  return results.filter(({ violations }) => violations.length > 0);
}

const guard = `"Only their org's leads"`;

/** Ways out, of which the fixing that is printed is all that there is to do. */
const open: readonly (readonly [string, string, RegExp])[] = [
  [
    "a guard that was dropped beside an old policy",
    `DROP POLICY ${guard} ON leads; CREATE POLICY old ON leads USING (TRUE)`,
    /^BEGIN; DROP POLICY IF EXISTS "Only their org's leads" ON public\.leads; CREATE POLICY .*; COMMIT;$/m,
  ],
  [
    "a guard that lets everything be written",
    `ALTER POLICY ${guard} ON leads WITH CHECK (TRUE); CREATE POLICY lax ON leads FOR UPDATE USING (TRUE)`,
    /CREATE POLICY/,
  ],
  [
    "row-level security that was switched off",
    "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
    /^ALTER TABLE public\.leads ENABLE ROW LEVEL SECURITY;$/m,
  ],
  [
    "a TRUNCATE that was granted",
    "GRANT TRUNCATE ON calls TO small_company_app",
    /^REVOKE TRUNCATE ON public\.calls FROM small_company_app;$/m,
  ],
  [
    "a view that reads as its owner",
    "CREATE VIEW shown AS SELECT * FROM leads; GRANT SELECT ON shown TO small_company_app",
    /^ALTER VIEW public\.shown SET \(security_invoker = on\); -- or hardening\.views in the configuration$/m,
  ],
  [
    "memberships that their users may write",
    `GRANT UPDATE ON organization_users TO small_company_app;
     CREATE POLICY own ON organization_users FOR UPDATE USING (TRUE)`,
    /organization_users/,
  ],
];

test.for(open)(
  "%s: who did what is shown, and what is printed fixes it",
  async ([, damage, fix]) => {
    await change(damage);
    const found = await failed();
    const evidence = found.flatMap((result) => result.evidence ?? []);
    expect(evidence.length).toBeGreaterThan(0);
    for (const { as, statement, answer } of evidence) {
      expect(as).toContain("role small_company_app");
      expect(statement).toMatch(/^(SELECT|INSERT|UPDATE|DELETE|TRUNCATE|MERGE|EXECUTE) .*;$/);
      // Phones are the customers' own.
      expect(`${statement} ${answer}`).not.toContain("5555555");
    }
    const fixes = [...new Set(evidence.flatMap((one) => one.fix))];
    expect(fixes.join("\n")).toMatch(fix);
    // The guard is made anew once, though a rule and the state before the change both have its SQL.
    expect(fixes.filter((one) => one.includes(`CREATE POLICY ${guard} ON`)).length).toBeLessThan(2);
    for (const statement of fixes) await change(statement);
    expect(await failed()).toEqual([]);
  },
);

test("a policy for others' keys is got through by an upsert and by MERGE, too", async () => {
  await change(
    `ALTER POLICY ${guard} ON leads USING (TRUE) WITH CHECK (TRUE); CREATE POLICY lax2 ON leads USING (TRUE)`,
  );
  const words = (await failed()).flatMap(({ violations }) => violations).join("\n");
  expect(words).toContain("an upsert by the key of others' row got through");
  expect(words).toMatch(/a blind MERGE (got through|could not be tried: .*foreign key)/);
  await change(
    `DROP POLICY lax2 ON leads;
     ALTER POLICY ${guard} ON leads USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))
       WITH CHECK (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
  );
  expect(await failed()).toEqual([]);
});

test("what shows a leak is in what people, JUnit, code scanning and programs read", async () => {
  await change("GRANT TRUNCATE ON calls TO small_company_app");
  const project = await makeProject(database.url, smallCompany);
  const files = ["--junit", "junit.xml", "--sarif", "found.sarif"];
  const told = await project.tenantry("--stage", "day1", "--verify", "--verbose", ...files);
  expect(told).toMatchObject({ code: 3 });
  const { readFile } = await import("node:fs/promises");
  const [junit, sarif] = await Promise.all(
    ["junit.xml", "found.sarif"].map((file) => readFile(`${project.folder}/${file}`, "utf8")),
  );
  for (const text of [told.stdout, junit, sarif]) {
    expect(text).toContain("REVOKE TRUNCATE ON public.calls FROM small_company_app;");
    expect(text).toMatch(/statement {2}TRUNCATE /);
    expect(text).toContain("member of Test Client A: role small_company_app");
  }
  const json = await project.tenantry("--stage", "day1", "--verify", "--json");
  const line = json.stdout.split("\n").find((one) => one.includes('"kind":"verification"'));
  const { isolation } = JSON.parse(line ?? "") as { isolation: CheckResult[] };
  expect(isolation.flatMap(({ evidence }) => evidence ?? [])[0]).toMatchObject({
    object: '"public"."calls"',
    statement: 'TRUNCATE "public"."calls";',
    fix: expect.arrayContaining(["REVOKE TRUNCATE ON public.calls FROM small_company_app;"]),
  });
  await change("REVOKE TRUNCATE ON calls FROM small_company_app");
});
