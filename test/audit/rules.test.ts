import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { audit, judge } from "../../src/audit/audit.ts";
import { auditContext } from "../../src/audit/context.ts";
import { tryMutants } from "../../src/audit/mutants.ts";
import type { BrokenFence, Mutant } from "../../src/audit/rule.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Finding } from "../../src/events/finding.ts";
import { auditLayer } from "../../src/mutation/layers.ts";
import { openSession, sqlState } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const config: Config = {
  ...smallCompany,
  sharedTables: { countries: "the same for all" },
  profiles: { person: { user: "id" } },
  exemptTables: { bookkeeping: "no role of requests reaches it" },
  audit: { accepted: [] },
};
const settings = parseSettings(config, "the small company");

let database: TestDatabase;
let fence: BrokenFence;

beforeAll(async () => {
  database = await makeDatabase("audit");
  const { session } = database;
  await makeSmallCompany(session, 300);
  await session.execute(sql`CREATE TABLE countries AS SELECT 'DE' AS code`);
  await session.execute(sql`GRANT ALL ON ALL TABLES IN SCHEMA public TO small_company_app`);
  await session.execute(sql`CREATE TABLE bookkeeping (version text PRIMARY KEY)`);
});
afterAll(() => database.drop());

async function findings(): Promise<Finding[]> {
  const { session } = database;
  const context = auditContext(settings, await readSnapshot(session));
  return session.transaction((queries) => audit(queries, context, rules), "read only snapshot");
}

async function project(changed: Config = config): Promise<Project> {
  return makeProject(database.url, changed);
}

test("before the stages every table is open, and the audit says which way", async () => {
  const found = await findings();
  expect(found.filter(({ id }) => id === "row-security-off").map(({ object }) => object)).toEqual(
    expect.arrayContaining(["public.calls", "public.countries", "public.leads", "public.settings"]),
  );
  const outcome = await (await project()).tenantry("audit", "--verbose");
  expect(outcome).toMatchObject({ code: 3 });
  expect(outcome.stdout).toMatch(/day1 ends \d+ findings: .*row-security-off \(2\)/);
  const brief = await (await project()).tenantry("audit");
  expect(brief.stdout).not.toContain("public.leads");
  // Without a policy, row-level security alone would hide every row of a table in use.
  expect(outcome.stdout).not.toContain("ENABLE ROW LEVEL SECURITY;");
  expect(outcome.stdout).toContain("-- public.leads has no policy");
});

describe("with the fence up", () => {
  test("what is left to find is the foreign key that names no organization", async () => {
    const outcome = await (await project()).tenantry("run", "--yes");
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    fence = {
      ...auditContext(settings, await readSnapshot(database.session)),
      table: { schema: "public", name: "leads" },
      child: { schema: "public", name: "calls" },
      role: "small_company_app",
      login: "small_company_login",
      identity: "setting",
    };
    expect((await findings()).map(({ id, object }) => `${id}: ${object}`)).toEqual([
      "foreign-key-across: calls_lead_id_fkey on public.calls",
    ]);
  });

  test("a view that no request can reach is no finding, whatever others can", async () => {
    const { session } = database;
    for (const statement of [
      sql`CREATE SCHEMA reporting`,
      sql`CREATE VIEW reporting.all_leads AS SELECT * FROM leads`,
      sql`CREATE VIEW my_leads WITH (security_invoker = on) AS SELECT * FROM leads`,
      sql`GRANT SELECT ON my_leads TO small_company_app`,
    ]) {
      await session.execute(statement);
    }
    const found = (await findings()).filter(({ id }) => id === "definer-view");
    await session.execute(sql`DROP VIEW my_leads`);
    await session.execute(sql`DROP SCHEMA reporting CASCADE`);
    expect(found).toEqual([]);
  });

  test("each way of breaking the fence is noticed by the rule that is for it", async () => {
    const mutants = rules.flatMap((rule) => rule.mutants);
    const { results } = await tryMutants(database.session, fence, {
      mutants,
      layers: [auditLayer],
    });
    expect(results.length).toBeGreaterThanOrEqual(55);
    const ruleOf = (mutant: Mutant) => rules.find((rule) => rule.mutants.includes(mutant))?.id;
    const escaped = results
      .filter(
        ({ mutant, caught }) =>
          !caught.audit?.some((finding) => finding.startsWith(`${ruleOf(mutant)}: `)),
      )
      .map(({ mutant }) => `${ruleOf(mutant)}: ${mutant.name}`);
    expect(escaped).toEqual([]);
    expect((await findings()).map(({ id }) => id)).toEqual(["foreign-key-across"]);
  });

  test("the SQL that restores a guard never opens the table, not between two of its statements either", async () => {
    const { session, url } = database;
    const slow = "(organization_id IN (SELECT tenancy.caller_organizations()))";
    // This guard still holds; without it the other policy shows every row.
    await session.execute(
      raw(`ALTER POLICY "Only their org's leads" ON leads USING ${slow} WITH CHECK ${slow}`),
    );
    await session.execute(sql`CREATE POLICY old ON leads USING (TRUE)`);
    const request = await openSession({ url }, "a request", {
      role: "small_company_app",
      lock_timeout: "200ms",
    });
    const rows = () =>
      request
        .rows(sql`SELECT count(*)::integer AS rows FROM leads`, z.object({ rows: z.number() }))
        .then(([row]) => row?.rows)
        .catch((error: unknown) => sqlState(error));
    const restoring = (await findings()).filter(({ id }) => id === "no-guard");
    expect(restoring.map(({ object }) => object)).toEqual(["public.leads"]);
    const seen = [await rows()];
    for (const statement of restoring[0]?.fix.split(/(?<=;)\s/) ?? []) {
      await session.execute(raw(statement));
      seen.push(await rows());
    }
    await request.close();
    await session.execute(sql`DROP POLICY old ON leads`);
    const lockNotAvailable = "55P03";
    expect(seen.filter((one) => one !== 0 && one !== lockNotAvailable)).toEqual([]);
    expect(seen.length).toBeGreaterThan(2);
    expect((await findings()).map(({ id }) => id)).toEqual(["foreign-key-across"]);
  });

  test("what is accepted counts until its day, and is still printed", async () => {
    const accepted = [
      {
        rule: "foreign-key-across",
        object: "calls_lead_id_fkey on public.calls",
        reason: "leads never move",
        until: "2999-12-31",
      },
    ];
    const meant = await project({ ...config, audit: { accepted } });
    const outcome = await meant.tenantry("audit");
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain("accepted until 2999-12-31: leads never move");
    const found = await findings();
    expect(judge(found, accepted, "3000-01-01").map((one) => one.accepted)).toEqual([undefined]);
  });

  test("what somebody changed since the last stage is drift", async () => {
    const { session } = database;
    const place = await project();
    const still = await place.tenantry("audit", "--drift");
    expect(still, still.stderr).toMatchObject({ code: 0 });
    await session.execute(sql`CREATE POLICY later ON settings USING (TRUE)`);
    await session.execute(sql`CREATE TABLE forgotten (id integer)`);
    const drifted = await place.tenantry("audit", "--drift");
    expect(drifted).toMatchObject({ code: 3 });
    expect(drifted.stdout).toContain("policy public.settings.later: is new");
    expect(drifted.stdout).toContain("table public.forgotten: is new");
    await session.execute(sql`DROP POLICY later ON settings`);
    await session.execute(sql`DROP TABLE forgotten`);
  });

  test("a rule that cannot be asked is a finding", async () => {
    const broken = rules
      .filter(({ id }) => id === "published")
      .map((rule) => ({ ...rule, findings: () => sql`SELECT 1 / 0` }));
    const found = await database.session.transaction((queries) => audit(queries, fence, broken));
    expect(found).toMatchObject([
      { id: "published", fact: expect.stringContaining("could not be checked") },
    ]);
  });

  test("the privileges that the fence took away come back with its rollback", async () => {
    const place = await project();
    expect(await place.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
    expect(
      (await findings()).filter(({ id }) => id === "truncate-granted").map(({ object }) => object),
    ).toEqual(expect.arrayContaining(["public.leads", "public.calls", "public.settings"]));
  });
});

test("each rule has a file of its name, a reason, and a source", async () => {
  const folder = fileURLToPath(new URL("../../src/audit/rules", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  for (const { id, why, source } of rules) {
    expect(why.length, id).toBeGreaterThan(60);
    expect(source, id).toMatch(/^https:\/\//);
    const file = files.find((name) => path.basename(name) === `${id}.ts`);
    const module: object = await import(pathToFileURL(path.join(folder, file ?? id)).href);
    expect(Object.values(module), id).toContainEqual(rules.find((rule) => rule.id === id));
  }
});
