import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { AppError } from "../../src/errors.ts";
import { openSession, type Queries } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { copySample } from "../../src/rehearsal/sample.ts";
import { createDatabase } from "../setup/database.ts";
import { randomSchema } from "./random-schema.ts";

async function run(queries: Queries, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await queries.execute(raw(statement));
}

type Schema = {
  readonly tables: readonly string[];
  readonly rows: readonly string[];
  readonly keys: readonly string[];
};

/** A database with its foreign keys, and one that has the tables only. */
async function makePair(name: string, { tables, rows, keys }: Schema) {
  const source = await createDatabase(`${name}: source`);
  const target = await createDatabase(`${name}: target`);
  await run(source.session, ...tables, ...rows, ...keys);
  await run(target.session, ...tables);
  return { source, target };
}

async function textsOf(queries: Queries, statement: string): Promise<string[]> {
  const rows = await queries.rows(raw(statement), z.object({ text: z.string() }));
  return rows.map(({ text }) => text);
}

const company: Schema = {
  tables: [
    "CREATE SCHEMA crm",
    "CREATE TABLE crm.users (id serial PRIMARY KEY, name text)",
    "CREATE TABLE leads (id serial PRIMARY KEY, user_id int NOT NULL, twice int GENERATED ALWAYS AS (id * 2) STORED)",
    "CREATE TABLE calls (lead_id int, number bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (lead_id, number))",
    "CREATE TABLE recordings (id serial PRIMARY KEY, call_lead int, call_number int, user_id int)",
    "CREATE TABLE notes (id serial PRIMARY KEY, parent_id int, lead_id int)",
    "CREATE TABLE tags (name text PRIMARY KEY, lead_id int)",
  ],
  rows: [
    "INSERT INTO crm.users (name) SELECT n FROM generate_series(1, 40) AS n",
    "INSERT INTO leads (user_id) SELECT 1 + n % 40 FROM generate_series(1, 12000) AS n",
    "INSERT INTO calls (lead_id) SELECT 1 + n % 12000 FROM generate_series(1, 24000) AS n",
    `INSERT INTO recordings (call_lead, call_number, user_id)
     SELECT CASE WHEN number % 5 > 0 THEN lead_id END, number, CASE WHEN number % 2 = 0 THEN 1 + number % 40 END FROM calls`,
    `INSERT INTO notes (parent_id, lead_id)
     SELECT CASE WHEN n % 3 > 0 THEN n / 2 + 1 END, NULL FROM generate_series(1, 12000) AS n`,
    "INSERT INTO tags SELECT 'tag ' || id, id FROM leads WHERE id <= 500",
    "SELECT setval('leads_id_seq', 20000, FALSE)",
    "ANALYZE leads, calls",
  ],
  keys: [
    "ALTER TABLE leads ADD FOREIGN KEY (user_id) REFERENCES crm.users",
    "ALTER TABLE calls ADD FOREIGN KEY (lead_id) REFERENCES leads",
    "ALTER TABLE recordings ADD FOREIGN KEY (call_lead, call_number) REFERENCES calls (lead_id, number)",
    "ALTER TABLE recordings ADD FOREIGN KEY (user_id) REFERENCES crm.users",
    "ALTER TABLE notes ADD FOREIGN KEY (parent_id) REFERENCES notes",
    "ALTER TABLE notes ADD FOREIGN KEY (lead_id) REFERENCES leads",
    "ALTER TABLE tags ADD FOREIGN KEY (lead_id) REFERENCES leads",
  ],
};

test("a sample of a tenth is about a tenth, small tables are whole, and every foreign key holds", async () => {
  const { source, target } = await makePair("a tenth", company);
  const sampled = await copySample(source.session, target.session, { percentage: 10 });
  await run(target.session, ...company.keys);
  const shares = Object.fromEntries(
    sampled.map(({ relation, rows, copied }) => [relation.name, { rows, share: copied / rows }]),
  );
  expect(shares["users"]).toEqual({ rows: 40, share: 1 });
  for (const [table, rows] of [
    ["leads", 12000],
    ["calls", 24000],
    ["recordings", 24000],
  ] as const) {
    expect(shares[table]?.rows, table).toBe(rows);
    expect(shares[table]?.share, table).toBeGreaterThan(0.08);
    expect(shares[table]?.share, table).toBeLessThan(0.12);
  }
  // A small table that refers to a large one has what fits; one that refers to itself loses more.
  expect(shares["tags"]?.share).toBeLessThan(0.2);
  expect(shares["notes"]?.share).toBeGreaterThan(0.02);
  for (const { relation, copied } of sampled) {
    const [count] = await target.session.rows(
      sql`SELECT count(*)::integer FROM ${ident(relation)}`,
      z.object({ count: z.number() }),
    );
    expect(count, relation.name).toEqual({ count: copied });
  }
  const sequences =
    "SELECT nextval('leads_id_seq')::text || ' ' || nextval('calls_number_seq') AS text";
  expect(await textsOf(target.session, sequences)).toEqual(["20000 24001"]);
  expect(
    await textsOf(target.session, "SELECT 'x' AS text FROM leads WHERE twice <> id * 2"),
  ).toEqual([]);
});

test("the same sample is taken twice, and all of a hundred per cent", async () => {
  const { source, target } = await makePair("twice", company);
  const first = await copySample(source.session, target.session, { percentage: 5, wholeUpTo: 100 });
  const leads = "SELECT string_agg(id::text, ' ' ORDER BY id) AS text FROM leads";
  const taken = await textsOf(target.session, leads);
  const empty = "TRUNCATE crm.users, leads, calls, recordings, notes, tags";
  await run(target.session, empty);
  expect(
    await copySample(source.session, target.session, { percentage: 5, wholeUpTo: 100 }),
  ).toEqual(first);
  expect(await textsOf(target.session, leads)).toEqual(taken);
  await run(target.session, empty);
  const all = await copySample(source.session, target.session, { percentage: 100, wholeUpTo: 100 });
  expect(all.filter(({ rows, copied }) => rows !== copied)).toEqual([]);
});

test("circles of tables, partitions, inheriting tables, hostile names and values hold together", async () => {
  const hostile = `"a ""b""; --".record`;
  const schema: Schema = {
    tables: [
      `CREATE SCHEMA "a ""b""; --"`,
      `CREATE TABLE ${hostile} ("record" text, "$1 'x'" text, parent text, at timestamptz, span interval, body jsonb, of regclass, PRIMARY KEY ("record", "$1 'x'"))`,
      "CREATE TABLE teams (id int PRIMARY KEY, owner int NOT NULL)",
      "CREATE TABLE people (id int PRIMARY KEY, team int)",
      "CREATE TABLE badges (person int PRIMARY KEY)",
      "CREATE TABLE events (id int, day int, person int, PRIMARY KEY (id, day)) PARTITION BY LIST (day)",
      "CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)",
      "CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY RANGE (id)",
      "CREATE TABLE events_2 (person int, day int NOT NULL, id int NOT NULL)",
      "ALTER TABLE events_rest ATTACH PARTITION events_2 DEFAULT",
      "CREATE TABLE details (event int, day int) PARTITION BY HASH (event)",
      "CREATE TABLE details_0 PARTITION OF details FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
      "CREATE TABLE details_1 PARTITION OF details FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
      "CREATE TABLE remarks (event int, day int)",
      "CREATE TABLE animals (id int PRIMARY KEY)",
      "CREATE TABLE cats () INHERITS (animals)",
      "CREATE TABLE feedings (animal int)",
      "CREATE TABLE nothing ()",
    ],
    rows: [
      `INSERT INTO ${hostile} SELECT n, E'\\\\ \\t''\\n' || n, CASE WHEN n % 2 = 0 THEN '1' END, now(), '-1 day -2 hours', '["a\\\\n"]', 'pg_class' FROM generate_series(1, 100) AS n`,
      "INSERT INTO people SELECT n, 1 + n % 100 FROM generate_series(1, 1000) AS n",
      // Whoever owns a team is in it: so a circle is as small as that.
      "INSERT INTO teams SELECT n, CASE WHEN n = 1 THEN 100 ELSE n - 1 END FROM generate_series(1, 300) AS n",
      "INSERT INTO badges SELECT n FROM generate_series(1, 1000) AS n",
      "INSERT INTO events SELECT n, 1 + n % 3, n FROM generate_series(1, 1000) AS n",
      "INSERT INTO details SELECT id, day FROM events, generate_series(1, 2)",
      "INSERT INTO remarks SELECT id, day FROM events",
      "INSERT INTO animals SELECT n FROM generate_series(1, 1000) AS n",
      "INSERT INTO cats SELECT n FROM generate_series(501, 1500) AS n",
      "INSERT INTO feedings SELECT n FROM generate_series(1, 1000) AS n",
      "INSERT INTO nothing DEFAULT VALUES",
    ],
    keys: [
      `ALTER TABLE ${hostile} ADD FOREIGN KEY ("record", "$1 'x'") REFERENCES ${hostile}`,
      "ALTER TABLE people ADD FOREIGN KEY (team) REFERENCES teams",
      "ALTER TABLE teams ADD FOREIGN KEY (owner) REFERENCES people",
      "ALTER TABLE badges ADD FOREIGN KEY (person) REFERENCES people",
      "ALTER TABLE events ADD FOREIGN KEY (person) REFERENCES people",
      "ALTER TABLE details ADD FOREIGN KEY (event, day) REFERENCES events",
      "ALTER TABLE remarks ADD FOREIGN KEY (event, day) REFERENCES events",
      "ALTER TABLE feedings ADD FOREIGN KEY (animal) REFERENCES animals",
    ],
  };
  const { source, target } = await makePair("circles", schema);
  await run(source.session, "SET datestyle = 'German'", "SET intervalstyle = 'sql_standard'");
  const sampled = await copySample(source.session, target.session, {
    percentage: 40,
    wholeUpTo: 150,
  });
  await run(target.session, ...schema.keys);
  const copied = Object.fromEntries(
    sampled.map(({ relation, copied: rows }) => [relation.name, rows]),
  );
  expect(copied["record"]).toBe(100);
  expect(copied["nothing"]).toBe(1);
  for (const table of [
    "people",
    "badges",
    "events_1",
    "events_2",
    "details_0",
    "details_1",
    "remarks",
    "cats",
  ]) {
    expect(copied[table], table).toBeGreaterThan(0);
  }
  expect(copied["people"]).toBeLessThan(400);
  expect(copied["details_0"]).toBeLessThan(400);
  expect(copied["cats"]).toBeLessThan(500);
  const values = `SELECT string_agg(r::text, '' ORDER BY "record") AS text FROM ${hostile} AS r`;
  await run(source.session, "RESET datestyle", "RESET intervalstyle");
  expect(await textsOf(target.session, values)).toEqual(await textsOf(source.session, values));
});

test("rows that row-level security would hide are an error that says what to do", async () => {
  const { source, target } = await makePair("hidden rows", company);
  const role = `${source.name}_reader`;
  await run(
    source.session,
    `CREATE ROLE ${role} LOGIN`,
    `GRANT USAGE ON SCHEMA crm TO ${role}`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA crm, public TO ${role}`,
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
  );
  const url = new URL(source.url);
  url.username = role;
  const reader = await openSession({ url: url.href });
  const failure = await copySample(reader, target.session, { percentage: 10 }).catch(
    (error: unknown) => error,
  );
  await reader.close();
  await run(source.session, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
  expect(failure).toBeInstanceOf(AppError);
  expect(failure).toMatchObject({ code: "STATEMENT_FAILED", object: "the sample of public.leads" });
  expect(String(failure)).toContain("row-level security");
});

test("a row that the copy refuses ends both sides, and the copy stays empty", async () => {
  const { source, target } = await makePair("a refused row", company);
  await run(target.session, "ALTER TABLE calls ADD CHECK (number < 20000)");
  await expect(
    copySample(source.session, target.session, { percentage: 50 }),
  ).rejects.toMatchObject({ code: "STATEMENT_FAILED", object: "the sample of public.calls" });
  expect(await textsOf(target.session, "SELECT 'x' AS text FROM leads")).toEqual([]);
});

test("whatever refers to whatever, every foreign key holds in the sample", async () => {
  const source = await createDatabase("random source");
  const target = await createDatabase("random target");
  await fc.assert(
    fc.asyncProperty(
      randomSchema,
      fc.constantFrom(5, 50, 100),
      fc.constantFrom(0, 25),
      async ({ tables, rows, keys }, percentage, wholeUpTo) => {
        const fresh = ["DROP SCHEMA IF EXISTS random CASCADE", "CREATE SCHEMA random", ...tables];
        await run(source.session, ...fresh, ...rows, ...keys);
        await run(target.session, ...fresh);
        const sampled = await copySample(source.session, target.session, { percentage, wholeUpTo });
        await run(target.session, ...keys);
        const more = sampled.filter((table) => table.copied > table.rows);
        const fewer = sampled.filter((table) => table.copied < table.rows);
        expect([more, percentage === 100 ? fewer : []]).toEqual([[], []]);
      },
    ),
    { numRuns: 25 },
  );
});
