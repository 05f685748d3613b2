import { expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { smallCompany } from "../setup/small-company.ts";
import { asRole, company, execute, findings } from "./server.ts";

/** The persons from 4 on are Alpha's; of every eight leads, five belong to them. */
const rule = "crossing-rows";

function withTables(tables: Config["day2"]["tables"], more: Partial<Config> = {}): Config {
  return { ...smallCompany, day2: { tables: { settings: "default", ...tables } }, ...more };
}

test("before Day 1, rows that will be in another organization than their parents are counted by foreign key", async () => {
  const { url, session } = await company("crossing");
  await execute(
    session,
    "CREATE TABLE contacts (id int PRIMARY KEY, lead_id bigint REFERENCES leads, person_id bigint REFERENCES person)",
    // Their persons are their leads', but for those of the first eight leads; the ninth has no lead.
    "INSERT INTO contacts SELECT l.id, l.id, CASE WHEN l.id <= 8 THEN 1 ELSE l.person_id END FROM leads l",
    "INSERT INTO contacts VALUES (1001, NULL, 1)",
    "CREATE TABLE invoices (number int, lead_id bigint REFERENCES leads)",
    "INSERT INTO invoices SELECT 1, id FROM leads",
  );
  expect(
    await findings(
      rule,
      { url },
      {
        config: withTables({
          contacts: { via: "lead_id", unattributed: "default" },
          invoices: { via: "lead_id" },
        }),
      },
    ),
  ).toEqual([]);
  const found = await findings(
    rule,
    { url },
    { config: withTables({ contacts: { user: "person_id" }, invoices: "default" }) },
  );
  expect(found.map(({ severity, says }) => `${severity} ${says}`).sort()).toEqual([
    "blocking contacts.contacts_lead_id_fkey: 5 of 101 contacts would be in another organization than their row of leads: 5 in Default Organization, of leads in Alpha; id 3, 4, 5, 6, 7 (contacts get theirs by person_id, leads by person_id)",
    // No primary key: no row is named.
    "blocking invoices.invoices_lead_id_fkey: 62 of 100 invoices would be in another organization than their row of leads: 62 in Default Organization, of leads in Alpha (invoices get theirs by default, leads by person_id)",
  ]);
  const contacts = found.find(({ says }) => says.startsWith("contacts"));
  expect(contacts?.fix).toContain('give contacts the source { via: "lead_id" }');
  // The query lists all of them.
  const query = contacts?.fix.match(/All of them: (.*);?$/)?.[1]?.replace(/;$/, "") ?? "";
  await execute(session, `CREATE TABLE listed AS ${query}`);
  await execute(
    session,
    "DO $$ BEGIN ASSERT (SELECT array_agg(id ORDER BY id) FROM listed) = '{3,4,5,6,7}'; END $$",
  );
});

test("every pair of sources, and every kind of key", async () => {
  const { url, session } = await company("crossing kinds");
  await execute(
    session,
    "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public",
    "ALTER TABLE leads ADD UNIQUE (id, phone)",
    "CREATE TABLE codes (code citext PRIMARY KEY, person_id bigint NOT NULL REFERENCES person)",
    "INSERT INTO codes VALUES ('Own', 1), ('alpha', 8)",
    // By SQL, with keys of two columns, MATCH FULL, of citext, and to itself.
    `CREATE TABLE tasks (
       id int,
       part text,
       lead_id bigint,
       phone text,
       code citext REFERENCES codes,
       above int,
       above_part text,
       organization text,
       PRIMARY KEY (id, part),
       FOREIGN KEY (lead_id, phone) REFERENCES leads (id, phone) MATCH FULL,
       FOREIGN KEY (above, above_part) REFERENCES tasks (id, part)
     )`,
    // Leads of the persons 1 (own) and 8 (Alpha) are 8, 16, … and 7, 15, ….
    "INSERT INTO tasks SELECT 1, 'a', id, phone, 'OWN', NULL, NULL, 'alpha' FROM leads WHERE id = 8",
    "INSERT INTO tasks SELECT 2, 'b', id, phone, 'OWN', 1, 'a', 'own' FROM leads WHERE id = 8",
    "INSERT INTO tasks SELECT 3, 'c', NULL, NULL, 'ALPHA', NULL, 'a', 'alpha'",
    // Partitioned, by way of two parents.
    "CREATE TABLE logs (id int, call_id bigint REFERENCES calls, lead_id bigint REFERENCES leads, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
    "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1) TO (50)",
    "CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM (50) TO (200)",
    "INSERT INTO logs SELECT id, id, CASE WHEN id = 60 THEN 1 ELSE id END FROM leads WHERE id IN (5, 60)",
  );
  const config = withTables({
    codes: { user: "person_id" },
    tasks: {
      sql: `CASE record.organization WHEN 'alpha' THEN (SELECT id FROM (VALUES ('a59b1c3e-6a0f-5d0e-8b4c-000000000000'::uuid)) AS o (id)) END`,
      unattributed: "default",
    },
    logs: { via: "call_id" },
  });
  const found = await findings(rule, { url }, { config });
  const says = found.map((one) => one.says.replace(/ \(\w+ get theirs.*$/, "")).sort();
  const other = "a59b1c3e-6a0f-5d0e-8b4c-000000000000";
  expect(says).toEqual([
    "logs.logs_lead_id_fkey: 1 of 2 logs would be in another organization than their row of leads: 1 in Alpha, of leads in Default Organization; id 60",
    `tasks.tasks_above_above_part_fkey: 1 of 3 tasks would be in another organization than their row of tasks: 1 in Default Organization, of tasks in ${other}; (id, part) (2, b)`,
    `tasks.tasks_code_fkey: 2 of 3 tasks would be in another organization than their row of codes: 1 in ${other}, of codes in Default Organization; 1 in ${other}, of codes in Alpha; (id, part) (1, a), (3, c)`,
    `tasks.tasks_lead_id_phone_fkey: 1 of 3 tasks would be in another organization than their row of leads: 1 in ${other}, of leads in Default Organization; (id, part) (1, a)`,
  ]);
});

test("rows that are meant to cross are accepted by name until a day; what cannot be counted is said", async () => {
  const database = await company("crossing accepted");
  const { url, session } = database;
  await execute(
    session,
    "CREATE TABLE invoices (number int PRIMARY KEY, lead_id bigint REFERENCES leads)",
    "INSERT INTO invoices SELECT id, id FROM leads",
  );
  const accepted = (until: string) => [
    { rule, object: "invoices.invoices_lead_id_fkey", reason: "the same for all", until },
  ];
  const config = (until: string) =>
    withTables({ invoices: "default" }, { audit: { accepted: accepted(until) } });
  const severities = async (until: string) =>
    (await findings(rule, { url }, { config: config(until) })).map(({ severity }) => severity);
  expect(await severities("2999-12-31")).toEqual(["advisory"]);
  expect(await severities("2020-12-31")).toEqual(["blocking"]);
  const broken = withTables({ invoices: { sql: "(SELECT no_such_column)" } });
  expect(await findings(rule, { url }, { config: broken })).toMatchObject([
    {
      severity: "advisory",
      says: expect.stringContaining("could not be counted: column"),
      fix: expect.stringContaining("this must return no row: SELECT"),
    },
  ]);
  const blind = await asRole(database, "crossing_blind");
  await execute(
    session,
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO crossing_blind",
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
  );
  const hidden = await findings(rule, blind, { config: config("2020-12-31") });
  expect(hidden).toMatchObject([{ says: expect.stringContaining("row-level security") }]);
  await execute(session, "DROP OWNED BY crossing_blind", "DROP ROLE crossing_blind");
});
