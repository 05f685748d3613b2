import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseSettings } from "../../src/config/load.ts";
import type { Queries } from "../../src/postgres/connection.ts";
import { ident, type RelationName, raw, sql } from "../../src/postgres/sql.ts";
import { startOldApplication } from "../../src/rehearsal/old-application.ts";
import { createDatabase } from "../setup/database.ts";

function settingsOf(...tables: readonly string[]) {
  const day1 = Object.fromEntries(tables.map((table) => [table, "default" as const]));
  return parseSettings(
    { users: { table: "users", owners: "TRUE" }, day1: { tables: day1 }, day2: { tables: {} } },
    "the test's configuration",
  );
}

async function countOf(queries: Queries, table: string | RelationName): Promise<number> {
  const [row] = await queries.rows(
    sql`SELECT count(*)::integer AS count FROM ${ident(table)}`,
    z.object({ count: z.number() }),
  );
  return row?.count ?? Number.NaN;
}

async function run(queries: Queries, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await queries.execute(raw(statement));
}

const leads = [
  "CREATE TABLE leads (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, phone text)",
  "INSERT INTO leads (phone) SELECT n FROM generate_series(1, 1000) AS n",
];

test("an old application for any database updates, inserts copies and deletes some of them", async () => {
  const { session, url } = await createDatabase("any old application writes");
  await run(session, ...leads, "CREATE TABLE calls (id serial PRIMARY KEY, lead_id bigint)");
  await run(session, "INSERT INTO calls (lead_id) SELECT id FROM leads");
  const application = await startOldApplication({ url }, settingsOf("leads", "calls"), {
    writesPerSecond: 300,
  });
  expect(application.notWritten).toEqual([]);
  await sleep(700);
  const report = await application.stop();
  expect(report.failures).toEqual([]);
  expect(report.writes).toBeGreaterThan(80);
  for (const table of ["leads", "calls"]) {
    const inserted = report.insertedByTable[table] ?? 0;
    const deleted = report.deletedByTable[table] ?? 0;
    expect(deleted).toBeGreaterThan(0);
    expect(inserted).toBeGreaterThan(deleted);
    expect(await countOf(session, table)).toBe(1000 + inserted - deleted);
  }
});

test("the longest wait shows a lock that was held, and on which table", async () => {
  const { session, url } = await createDatabase("any old application waits");
  await run(session, ...leads, "CREATE TABLE scripts AS SELECT 1 AS id, 'hello' AS body");
  await run(session, "ALTER TABLE scripts ADD PRIMARY KEY (id)");
  const application = await startOldApplication({ url }, settingsOf("leads", "scripts"), {
    writesPerSecond: 100,
    sessions: 2,
  });
  await sleep(100);
  await session.transaction(async (queries) => {
    await run(queries, "ALTER TABLE leads ADD COLUMN organization_id uuid");
    await sleep(300);
  });
  await sleep(200);
  const report = await application.stop();
  expect(report.failures).toEqual([]);
  expect(report.longestWaitInMilliseconds).toBeGreaterThan(250);
  expect(report.longestWaitInMillisecondsByTable["leads"]).toBe(report.longestWaitInMilliseconds);
  expect(report.longestWaitInMillisecondsByTable["scripts"]).toBeLessThan(250);
});

test("failures are counted and told, and the application goes on after them", async () => {
  const { session, url } = await createDatabase("any old application fails");
  await run(session, ...leads);
  const application = await startOldApplication({ url }, settingsOf("leads"), { sessions: 2 });
  await sleep(100);
  await run(session, "ALTER TABLE leads RENAME TO prospects");
  await sleep(200);
  await run(session, "ALTER TABLE prospects RENAME TO leads");
  await run(
    session,
    `SELECT pg_terminate_backend(pid)
       FROM pg_stat_activity
      WHERE application_name = 'old application'
        AND datname = current_database()`,
  );
  await sleep(200);
  const { failed: failedUntilNow } = application.report();
  await sleep(200);
  const report = await application.stop();
  expect(report.failures[0]).toMatch(/^(insert|update|delete) leads: relation "public.leads" does/);
  expect(report.failed).toBe(failedUntilNow);
  expect(report.failed).toBeLessThan(report.writes);
});

test("a kind of write that cannot be is left out by name, with its reason", async () => {
  const { session, url } = await createDatabase("any old application leaves out");
  await run(
    session,
    "CREATE TABLE users (id int PRIMARY KEY)",
    "CREATE TABLE coded (id serial PRIMARY KEY, code text, UNIQUE (code))",
    "CREATE TABLE partly (id serial PRIMARY KEY, code text)",
    "CREATE UNIQUE INDEX partly_code ON partly (lower(code)) WHERE code <> ''",
    "CREATE TABLE keyed (id serial, code text DEFAULT 'same' PRIMARY KEY)",
    "CREATE TABLE keyless (id int)",
    "CREATE TABLE empty (id serial PRIMARY KEY)",
    "CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
    "CREATE TABLE booked (id serial PRIMARY KEY, span int4range, EXCLUDE USING gist (span WITH &&))",
    "CREATE TABLE closed (id serial PRIMARY KEY, said text)",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it is closed'; END $$",
    "CREATE TRIGGER closed BEFORE UPDATE ON closed FOR EACH ROW EXECUTE FUNCTION refuse()",
    "CREATE TABLE deferred (id serial PRIMARY KEY, said text)",
    "CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
    "CREATE TABLE swallowed (id serial PRIMARY KEY, said text)",
    "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "CREATE TRIGGER swallowed BEFORE DELETE ON swallowed FOR EACH ROW EXECUTE FUNCTION swallow()",
    "INSERT INTO coded (code) VALUES ('a')",
    "INSERT INTO partly (code) VALUES ('a')",
    "INSERT INTO keyed (code) VALUES ('another')",
    "INSERT INTO numbered DEFAULT VALUES",
    "INSERT INTO booked (span) VALUES ('[1,2]')",
    "ALTER TABLE deferred DISABLE TRIGGER ALL",
    ...["closed", "deferred", "swallowed"].map((name) => `INSERT INTO ${name} (said) VALUES ('')`),
    "ALTER TABLE deferred ENABLE TRIGGER ALL",
  );
  const application = await startOldApplication(
    { url },
    settingsOf(
      "coded",
      "partly",
      "keyed",
      "keyless",
      "empty",
      "numbered",
      "booked",
      "closed",
      "deferred",
      "swallowed",
      "missing",
    ),
    { writesPerSecond: 400 },
  );
  await sleep(300);
  const report = await application.stop();
  expect(report.failures).toEqual([]);
  expect(Object.keys(report.longestWaitInMillisecondsByTable).sort()).toEqual([
    "booked",
    "closed",
    "coded",
    "deferred",
    "keyed",
    "numbered",
    "partly",
    "swallowed",
  ]);
  const told = application.notWritten.map(
    ({ table, verb, reason }) => `${verb} ${table}: ${reason}`,
  );
  const none = (table: string, reason: string) =>
    ["update", "insert", "delete"].map((verb) => `${verb} ${table}: ${reason}`);
  const noCopy = (table: string, reason: string) => [
    `insert ${table}: ${reason}`,
    `delete ${table}: ${reason}`,
  ];
  expect(told).toEqual([
    ...noCopy("coded", "the unique index coded_code_key refuses copies of rows"),
    ...noCopy("partly", "the unique index partly_code refuses copies of rows"),
    'insert keyed: duplicate key value violates unique constraint "keyed_pkey"',
    'delete keyed: duplicate key value violates unique constraint "keyed_pkey"',
    ...none("keyless", "it has no primary key"),
    ...none("empty", "no row of it is visible, so none can be updated or copied"),
    "update numbered: none of its columns can be set",
    ...noCopy("booked", "the exclusion constraint booked_span_excl may refuse copies of rows"),
    "update closed: it is closed",
    "insert deferred: it is closed",
    "delete deferred: it is closed",
    "delete swallowed: DELETE of a row of its own touched 0 rows",
    ...none("missing", "the table does not exist"),
  ]);
});

test("columns of every kind, keys of several columns, hostile names and triggers do not stop it", async () => {
  const { session, url } = await createDatabase("any old application meets all kinds");
  const hostile = { schema: 'an "other" schema; --', name: "Order.Lines $1 '; DROP" };
  await run(
    session,
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "CREATE SEQUENCE numbers",
    "CREATE DOMAIN numbered AS integer DEFAULT nextval('numbers')",
    "CREATE TYPE place AS (x integer, y text)",
    `CREATE TABLE kinds (
       region text,
       number integer GENERATED ALWAYS AS IDENTITY,
       amount positive,
       twice integer GENERATED ALWAYS AS (amount * 2) STORED,
       tags text[],
       body jsonb,
       token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
       at timestamptz,
       spot place,
       changed integer DEFAULT 0,
       PRIMARY KEY (region, number)
     )`,
    `CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN NEW.changed := NEW.changed + 1; RETURN NEW; END $$`,
    "CREATE TRIGGER change BEFORE UPDATE ON kinds FOR EACH ROW EXECUTE FUNCTION change()",
    `INSERT INTO kinds (region, amount, tags, body, at, spot)
     SELECT 'it''s ' || n, n, ARRAY['a', NULL, 'b c'], '{"a": [1]}', now(), ROW(n, 'x, y'::text)::place
       FROM generate_series(1, 20) AS n`,
    "CREATE TABLE by_domain (id numbered PRIMARY KEY, said text)",
    "INSERT INTO by_domain (said) VALUES ('hello')",
    "CREATE TABLE at_times (at timestamptz, part float8, PRIMARY KEY (at, part))",
    "INSERT INTO at_times SELECT clock_timestamp(), random() FROM generate_series(1, 10)",
  );
  await session.execute(sql`CREATE SCHEMA ${ident(hostile.schema)}`);
  await session.execute(sql`
    CREATE TABLE ${ident(hostile)} (
      ${ident('the "id"\n')} serial PRIMARY KEY,
      ${ident("$1 'said'")} text
    )
  `);
  await session.execute(sql`INSERT INTO ${ident(hostile)} DEFAULT VALUES`);
  const hostileName = '"an ""other"" schema; --"."Order.Lines $1 \'; DROP"';
  const application = await startOldApplication(
    { url },
    settingsOf("kinds", "by_domain", "at_times", hostileName),
    { writesPerSecond: 400 },
  );
  await sleep(600);
  const report = await application.stop();
  expect(report.failures).toEqual([]);
  expect(application.notWritten.map(({ table, verb }) => `${verb} ${table}`)).toEqual([
    "insert at_times",
    "delete at_times",
  ]);
  expect(Object.values(report.insertedByTable).every((inserted) => inserted > 3)).toBe(true);
  expect(Object.keys(report.insertedByTable)).toHaveLength(3);
  expect(await countOf(session, hostile)).toBeGreaterThan(1);
  const changed = await session.rows(
    sql`SELECT FROM kinds WHERE changed > 0 AND tags = ARRAY['a', NULL, 'b c']`,
    z.object({}),
  );
  expect(changed.length).toBeGreaterThan(0);
});

test("it writes as the role it is given, with that role's sight", async () => {
  const { session, url, name } = await createDatabase("any old application has a role");
  const role = `${name}'s "role"`;
  await run(
    session,
    ...leads,
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY early ON leads USING (id <= 10) WITH CHECK (TRUE)",
    "CREATE FUNCTION sign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.phone := current_user; RETURN NEW; END $$",
    "CREATE TRIGGER sign BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION sign()",
    "CREATE TABLE calls (id serial PRIMARY KEY, said text)",
    "INSERT INTO calls (said) VALUES ('hello')",
  );
  await session.execute(sql`CREATE ROLE ${ident(role)} NOLOGIN`);
  await session.execute(sql`GRANT SELECT, UPDATE ON leads TO ${ident(role)}`);
  const application = await startOldApplication({ url }, settingsOf("leads", "calls"), { role });
  await sleep(200);
  const report = await application.stop();
  await session.execute(sql`DROP OWNED BY ${ident(role)}`);
  await session.execute(sql`DROP ROLE ${ident(role)}`);
  expect(report.failures).toEqual([]);
  expect(report.writes).toBeGreaterThan(5);
  expect(report.insertedByTable).toEqual({});
  expect(application.notWritten.map(({ reason }) => reason)).toEqual([
    "permission denied for table leads",
    "permission denied for table leads",
    ...Array<string>(3).fill("permission denied for table calls"),
  ]);
  const signed = await session.rows(
    sql`SELECT DISTINCT phone FROM leads WHERE length(phone) > 4`,
    z.object({ phone: z.string() }),
  );
  expect(signed).toEqual([{ phone: role }]);
});
