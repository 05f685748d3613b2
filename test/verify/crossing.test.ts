import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { readRuns, runInForce } from "../../src/journal/journal.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { verifyCrossing } from "../../src/verify/rows/crossing-rows.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const invoices = "invoices.invoices_lead_id_fkey";
const until = "2999-12-31";
const reason = "one invoice for everybody";

/** Invoices of the default organization, for leads of both; the calls' key is hardened. */
const config: Config = {
  ...smallCompany,
  day2: { tables: { settings: "default", invoices: "default", days: { via: "call_id" } } },
  hardening: { foreignKeys: ["calls.calls_lead_id_fkey"] },
};
const meant: Config = {
  ...config,
  audit: { accepted: [{ rule: "crossing-rows", object: invoices, reason, until }] },
};
const crossing =
  "62 of 100 invoices are in another organization than their row of leads: 62 in Default Organization, of leads in Alpha; number 3, 4, 5, 6, 7, …";

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase("crossing rows");
  await makeSmallCompany(database.session, 100);
  await change(
    "CREATE TABLE invoices (number int PRIMARY KEY, lead_id bigint REFERENCES leads)",
    "INSERT INTO invoices SELECT id, id FROM leads",
    "CREATE TABLE days (at int, call_id bigint REFERENCES calls, lead_id bigint) PARTITION BY RANGE (at)",
    "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (50)",
    "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (50) TO (200)",
    "INSERT INTO days SELECT id, id, id FROM leads",
  );
});
beforeEach(async () => {
  if ((await runInForce(database.session, "day3").catch(() => undefined)) !== undefined) return;
  const refused = await (await makeProject(database.url, config)).tenantry("run", "--yes");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("PREFLIGHT_FAILED");
  expect(refused.stderr).toContain(`${invoices}: 62 of 100 invoices would be`);
  expect(await readRuns(database.session).catch(() => [])).toEqual([]);
  const ran = await (await makeProject(database.url, meant)).tenantry("run", "--yes");
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stderr + ran.stdout).toContain(`accepted until ${until}: ${reason}`);
});
afterAll(() => database.drop());

async function change(...statements: string[]): Promise<void> {
  for (const statement of statements) await database.session.execute(raw(statement));
}

async function verified(chosen: Config = meant, session = database.session) {
  const run = await runInForce(session, "day3");
  if (run === undefined) throw new Error("Day 3 is not applied");
  const settings = parseSettings(chosen, "the company");
  return verifyCrossing(session, { ...run, settings });
}

async function violations(): Promise<string[]> {
  return (await verified()).violations.map((one) => one.replace(/; all of them: .*/, ""));
}

/** Undoes what a test changed, whatever came of it. */
async function during(damage: string[], repair: string[]): Promise<string[]> {
  try {
    await change(...damage);
    return await violations();
  } finally {
    await change(...repair);
  }
}

const cross = [
  "SET session_replication_role = replica",
  "UPDATE calls SET organization_id = (SELECT id FROM organizations WHERE slug = 'alpha') WHERE id IN (1, 8)",
  "RESET session_replication_role",
];
const uncross = [
  "SET session_replication_role = replica",
  "UPDATE calls c SET organization_id = l.organization_id FROM leads l WHERE l.id = c.lead_id",
  "RESET session_replication_role",
];

test("rows that cross are counted after the stages, by every key; what is accepted is said and holds", async () => {
  expect((await verified(config)).violations).toEqual([
    expect.stringContaining(`${invoices}: ${crossing}; all of them: SELECT`),
  ]);
  const { claim, violations: none, unproven } = await verified();
  expect(none).toEqual([]);
  expect(claim).toBe(
    "every row is in the organization of the rows that it references (3 foreign keys, of which 1 keep it so)",
  );
  expect(unproven).toEqual([
    { what: expect.stringContaining(`${invoices}: ${crossing}`), accepted: { reason, until } },
  ]);
  const project = await makeProject(database.url, config);
  const outcome = await project.tenantry("verify");
  expect(outcome).toMatchObject({ code: 3 });
  expect(outcome.stdout).toContain(crossing);
});

test("a key that somebody adds later is counted too, on partitions and to the table itself", async () => {
  const found = await during(
    [
      // To another organization's lead, and to another organization's day.
      "ALTER TABLE days ADD CONSTRAINT later FOREIGN KEY (lead_id) REFERENCES leads",
      "ALTER TABLE days_2 ADD CONSTRAINT own_of_a_partition FOREIGN KEY (lead_id) REFERENCES invoices (number)",
      "ALTER TABLE leads ADD COLUMN like_lead bigint CONSTRAINT itself REFERENCES leads",
      "UPDATE leads SET like_lead = 8 WHERE id IN (7, 16)",
      "UPDATE days SET lead_id = 8 WHERE at IN (7, 63)",
      "UPDATE days SET lead_id = NULL WHERE at = 99",
    ],
    [
      "ALTER TABLE days DROP CONSTRAINT later",
      "ALTER TABLE days_2 DROP CONSTRAINT own_of_a_partition",
      "ALTER TABLE leads DROP COLUMN like_lead",
      "UPDATE days SET lead_id = at",
    ],
  );
  expect(found.sort()).toEqual([
    "days.later: 2 of 100 days are in another organization than their row of leads: 2 in Alpha, of leads in Default Organization",
    expect.stringMatching(/^days_2\.own_of_a_partition: 3\d of 51 days_2 are in another/),
    "leads.itself: 1 of 100 leads are in another organization than their row of leads: 1 in Alpha, of leads in Default Organization; id 7",
  ]);
});

test("a hardened key is trusted only while it is valid and its triggers are enabled", async () => {
  const doubt = "calls.calls_lead_id_fkey: the key does not keep rows together: ";
  const off = (table: string) => [`ALTER TABLE ${table} DISABLE TRIGGER ALL`];
  const on = (table: string) => [`ALTER TABLE ${table} ENABLE TRIGGER ALL`];
  expect(await during(off("calls"), on("calls"))).toEqual([
    `${doubt}its triggers are disabled on calls`,
  ]);
  expect(await during(off("leads"), on("leads"))).toEqual([
    `${doubt}its triggers are disabled on leads`,
  ]);
  const add = (valid: string) => [
    "ALTER TABLE calls DROP CONSTRAINT calls_lead_id_fkey",
    `ALTER TABLE calls ADD CONSTRAINT calls_lead_id_fkey FOREIGN KEY (organization_id, lead_id)
       REFERENCES leads (organization_id, id) DEFERRABLE ${valid}`,
  ];
  expect(await during([...cross, ...add("NOT VALID")], [...uncross, ...add("")])).toEqual([
    `${doubt}it is NOT VALID; 2 of 100 calls are in another organization than their row of leads: 2 in Alpha, of leads in Default Organization; id 1, 8`,
    // Their days stayed where they were.
    "days.days_call_id_fkey: 2 of 100 days are in another organization than their row of calls: 2 in Default Organization, of calls in Alpha",
  ]);
  expect(await violations()).toEqual([]);
});

test("a plain key beside the one that names the organization is not counted twice", async () => {
  expect(
    await during(
      ["ALTER TABLE calls ADD CONSTRAINT beside FOREIGN KEY (lead_id) REFERENCES leads"],
      ["ALTER TABLE calls DROP CONSTRAINT beside"],
    ),
  ).toEqual([]);
  expect((await verified()).claim).toContain("(3 foreign keys, of which 1 keep it so");
});

test("a role that does not see all rows cannot tell, which is said", async () => {
  await change(
    "DROP ROLE IF EXISTS crossing_reader",
    "CREATE ROLE crossing_reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public, tenantry TO crossing_reader",
    "GRANT USAGE ON SCHEMA tenantry TO crossing_reader",
  );
  const reader = await openSession({ url: database.url });
  await reader.execute(sql`SET SESSION AUTHORIZATION crossing_reader`);
  const { unproven: said = [] } = await verified(meant, reader);
  await reader.close();
  await change("DROP OWNED BY crossing_reader", "DROP ROLE crossing_reader");
  const untold = said.filter(({ accepted }) => accepted === undefined);
  expect(untold.map(({ what }) => what)).toEqual([
    expect.stringMatching(/^days\.days_call_id_fkey: could not be counted: .*row-level security/),
  ]);
});
