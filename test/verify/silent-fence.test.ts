import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import type { CheckResult } from "../../src/events/verification.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import type { StageName } from "../../src/steps/model/stage.ts";
import { prove } from "../../src/verify/stage.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { thorough } from "../setup/thorough.ts";
import { silences } from "./broken-functions.ts";

const owners = ["ordinary_owner NOLOGIN", "bypassing_owner NOLOGIN BYPASSRLS"].map(
  (role) => `
    DO $$
    BEGIN
      CREATE ROLE ${role};
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END $$`,
);

const viaLeads = ["only_read", "not_granted", "log", "some_columns", "only_deleted", "prices"];

/** Tables that requests may not write to as they like, which is no fault of the fence. */
const narrow = (role: string) => `
  ${[...viaLeads, "empty"]
    .map(
      (table) => `
  CREATE TABLE ${table} (id bigint PRIMARY KEY, lead_id bigint NOT NULL REFERENCES leads);
  REVOKE ALL ON ${table} FROM ${role}, PUBLIC;`,
    )
    .join("")}
  ${viaLeads.map((table) => `INSERT INTO ${table} SELECT id, id FROM leads LIMIT 10;`).join("\n")}
  GRANT SELECT ON only_read TO ${role};
  GRANT SELECT (id, lead_id), UPDATE (lead_id) ON some_columns TO ${role};
  GRANT DELETE ON only_deleted TO ${role};
  GRANT SELECT, INSERT, UPDATE, DELETE ON log, prices, empty TO ${role};
  CREATE POLICY "Read the log" ON log FOR SELECT USING (TRUE);
  CREATE POLICY "Write the log" ON log FOR INSERT WITH CHECK (TRUE);
  ALTER TABLE log ENABLE ROW LEVEL SECURITY;
  CREATE POLICY "Read prices" ON prices FOR SELECT USING (TRUE);
  CREATE POLICY "Admins write prices" ON prices USING (current_setting('app.is_admin', TRUE) = 'yes');
  ALTER TABLE prices ENABLE ROW LEVEL SECURITY`;

describe.each(smallCompanies)("$kind", { timeout: 500_000 }, (company) => {
  const { kind, role } = company;
  const config = {
    ...company.config,
    audit: {
      accepted: [
        ...(company.config.audit?.accepted ?? []),
        {
          rule: "setting-in-policy",
          object: '"Admins write prices" on prices',
          reason: "it must not change what the fence does",
          until: "2999-12-31",
        },
      ],
    },
    day1: {
      tables: {
        ...company.config.day1.tables,
        ...Object.fromEntries([...viaLeads, "empty"].map((name) => [name, { via: "lead_id" }])),
      },
    },
  };
  const settings = parseSettings(config, `the ${kind} company`);
  let database: TestDatabase;

  beforeAll(async () => {
    database = await makeDatabase(`silent fence ${kind}`);
    for (const statement of company.statements) await database.session.execute(statement);
    for (const statement of owners) await change(statement);
    await change(narrow(role));
  });
  afterAll(() => database.drop());

  async function change(statements: string): Promise<void> {
    await database.session.execute(sql`${raw(statements)}`);
  }

  /** @param only one of the tables, where all of them stand on the same */
  async function proof(stage: StageName, only?: string): Promise<readonly CheckResult[]> {
    const run = await runInForce(database.session, stage);
    if (run === undefined) throw new Error(`${stage} is not applied`);
    const fences = run.fences.filter(({ label }) => only === undefined || label === only);
    return prove(database.session, settings, { ...run, fences }, "the fence");
  }

  const contradictions = (results: readonly CheckResult[]) =>
    results.flatMap(({ claim, violations }) => violations.map((one) => `${claim}: ${one}`));

  async function expectSilencesNoticed(stage: StageName): Promise<void> {
    const broken = silences({
      role,
      idType: kind === "supabase" ? "uuid" : "bigint",
      supabase: kind === "supabase",
    });
    for (const [name, damage, fix, said] of broken) {
      await change(damage);
      const found = contradictions(await proof(stage, "notes"));
      await change(fix);
      expect(found.join("\n"), name).toMatch(said);
    }
    expect(contradictions(await proof(stage))).toEqual([]);
  }

  test("before Day 3, each function of the fence that refuses or answers nothing is named", async () => {
    const project = await makeProject(database.url, config);
    for (const stage of ["day1", "day2"] as const) {
      const run = await project.tenantry("run", "--yes", "--stage", stage);
      expect(run, run.stderr).toMatchObject({ code: 0 });
    }
    expect(contradictions(await proof("day1"))).toEqual([]);
    if (thorough || kind === "supabase") await expectSilencesNoticed("day2");
  });

  test("after Day 3, each of them is named too, and tables with few privileges are no fault", async () => {
    const project = await makeProject(database.url, config);
    const run = await project.tenantry("run", "--yes", "--stage", "day3");
    expect(run, run.stderr).toMatchObject({ code: 0 });
    if (thorough || kind === "plain") await expectSilencesNoticed("day3");
  });

  test("a fence that refuses everything fails each day's verification, and the function is named once", async () => {
    const project = await makeProject(database.url, config);
    await change("REVOKE EXECUTE ON FUNCTION tenancy.caller_organizations() FROM PUBLIC");
    for (const stage of ["day1", "day2", "day3"]) {
      const verified = await project.tenantry("--stage", stage, "--verify");
      expect(verified).toMatchObject({ code: 3 });
      const restoring = "GRANT EXECUTE ON FUNCTION tenancy.caller_organizations() TO PUBLIC";
      expect(verified.stdout.split(restoring)).toHaveLength(2);
      const errors = verified.stdout.split("\n").filter((line) => line.includes("SQLSTATE 42501"));
      expect(errors.length).toBeLessThan(8);
      // Each table's claim is counted as one that does not hold.
      expect(verified.stdout).toMatch(/✘ notes as|✘ leads as/);
    }
    await change("GRANT EXECUTE ON FUNCTION tenancy.caller_organizations() TO PUBLIC");
    // The functions were written anew, and do what they did: once that is accepted, all is well.
    const accepting = ["audit", "--drift", "--accept", "the functions were written anew"];
    const accepted = await project.tenantry(...accepting);
    expect(accepted, accepted.stderr).toMatchObject({ code: 0 });
    const restored = await project.tenantry("--stage", "day3", "--verify");
    expect(restored, restored.stdout).toMatchObject({ code: 0 });
  });

  test("a member who cannot insert, update or delete their own rows is noticed, by command", async () => {
    const policies = ["insert", "update", "delete"] as const;
    const named = {
      insert: '"Users insert leads to their org"',
      update: `"Users update their org's leads"`,
      delete: `"Users delete their org's leads"`,
    };
    for (const command of policies) {
      const clause = command === "insert" ? "WITH CHECK" : "USING";
      const guard = "organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations()))";
      await change(`ALTER POLICY ${named[command]} ON leads ${clause} (FALSE)`);
      const found = contradictions(await proof("day1", "leads")).join("\n");
      await change(`ALTER POLICY ${named[command]} ON leads ${clause} (${guard})`);
      expect(found).toContain(
        `leads as member of Test Client A: only their own: cannot ${command} their own row`,
      );
    }
    expect(contradictions(await proof("day1"))).toEqual([]);
  });
});
