import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  compareFingerprints,
  type Fingerprint,
  fingerprintSchema,
} from "../../src/catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { createJournal } from "../../src/journal/schema.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { furtherChanges, furtherSchema } from "./further-changes.ts";

let database: TestDatabase;
let before: Fingerprint;

const schema = [
  "CREATE TABLE public.leads (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', score integer)",
  "CREATE TABLE public.calls (lead_id integer CONSTRAINT calls_lead REFERENCES public.leads)",
  "CREATE TABLE public.parts (at date) PARTITION BY RANGE (at)",
  "CREATE INDEX leads_name ON public.leads (name)",
  "CREATE VIEW public.names AS SELECT name FROM public.leads",
  "CREATE MATERIALIZED VIEW public.scores AS SELECT score FROM public.leads",
  "CREATE SEQUENCE public.numbers",
  "CREATE TYPE public.mood AS ENUM ('good', 'bad')",
  "CREATE DOMAIN public.percent AS integer CONSTRAINT at_most CHECK (VALUE <= 100)",
  "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
  "CREATE TRIGGER touch BEFORE UPDATE ON public.leads FOR EACH ROW EXECUTE FUNCTION public.touch()",
  "CREATE POLICY everything ON public.leads USING (score > 0)",
  "CREATE PUBLICATION fingerprints FOR TABLE public.leads",
];

/** A change to one kind of thing, how it is undone, and what of the schema then is another. */
const changes: readonly [string, string, string, RegExp][] = [
  [
    "a column's default",
    "ALTER TABLE leads ALTER name SET DEFAULT 'x'",
    "ALTER TABLE leads ALTER name SET DEFAULT 'nobody'",
    /^column public\.leads\.name$/,
  ],
  [
    "a column's type",
    "ALTER TABLE calls ALTER lead_id TYPE bigint",
    "ALTER TABLE calls ALTER lead_id TYPE integer",
    /^column public\.calls\.lead_id$/,
  ],
  [
    "a column's NOT NULL",
    "ALTER TABLE leads ALTER score SET NOT NULL",
    "ALTER TABLE leads ALTER score DROP NOT NULL",
    /^column public\.leads\.score$/,
  ],
  [
    "a column",
    "ALTER TABLE leads ADD extra integer",
    "ALTER TABLE leads DROP extra",
    /^column public\.leads\.extra$/,
  ],
  [
    "a column's grant",
    "GRANT UPDATE (name) ON leads TO pg_monitor",
    "REVOKE UPDATE (name) ON leads FROM pg_monitor",
    /^column public\.leads\.name$/,
  ],
  [
    "a table's grant",
    "GRANT SELECT ON leads TO pg_monitor",
    "REVOKE SELECT ON leads FROM pg_monitor",
    /^relation public\.leads$/,
  ],
  [
    "a schema's grant",
    "GRANT CREATE ON SCHEMA public TO pg_monitor",
    "REVOKE CREATE ON SCHEMA public FROM pg_monitor",
    /^schema public$/,
  ],
  [
    "a function's grant",
    "GRANT EXECUTE ON FUNCTION touch TO pg_monitor",
    "REVOKE EXECUTE ON FUNCTION touch FROM pg_monitor",
    /^function public\.touch\(\)$/,
  ],
  [
    "a sequence's grant",
    "GRANT USAGE ON SEQUENCE numbers TO pg_monitor",
    "REVOKE USAGE ON SEQUENCE numbers FROM pg_monitor",
    /^relation public\.numbers$/,
  ],
  [
    "a policy",
    "CREATE POLICY more ON calls USING (TRUE)",
    "DROP POLICY more ON calls",
    /^policy public\.calls\.more$/,
  ],
  [
    "a policy's condition",
    "ALTER POLICY everything ON leads USING (score > 1)",
    "ALTER POLICY everything ON leads USING (score > 0)",
    /^policy public\.leads\.everything$/,
  ],
  [
    "a policy's roles",
    "ALTER POLICY everything ON leads TO pg_monitor",
    "ALTER POLICY everything ON leads TO PUBLIC",
    /^policy public\.leads\.everything$/,
  ],
  ["an index", "CREATE INDEX more ON leads (score)", "DROP INDEX more", /^index public\.more$/],
  [
    "an index's columns",
    "DROP INDEX leads_name; CREATE INDEX leads_name ON leads (name DESC)",
    "DROP INDEX leads_name; CREATE INDEX leads_name ON leads (name)",
    /^index public\.leads_name$/,
  ],
  [
    "a trigger",
    "DROP TRIGGER touch ON leads",
    "CREATE TRIGGER touch BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION touch()",
    /^trigger public\.leads\.touch$/,
  ],
  [
    "a trigger that is switched off",
    "ALTER TABLE leads DISABLE TRIGGER touch",
    "ALTER TABLE leads ENABLE TRIGGER touch",
    /^trigger public\.leads\.touch$/,
  ],
  [
    "a function's body",
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN OLD; END$$",
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
    /^function public\.touch\(\)$/,
  ],
  [
    "a function's rights",
    "ALTER FUNCTION touch SECURITY DEFINER",
    "ALTER FUNCTION touch SECURITY INVOKER",
    /^function public\.touch\(\)$/,
  ],
  [
    "row-level security",
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
    /^relation public\.leads$/,
  ],
  [
    "forced row-level security",
    "ALTER TABLE leads FORCE ROW LEVEL SECURITY",
    "ALTER TABLE leads NO FORCE ROW LEVEL SECURITY",
    /^relation public\.leads$/,
  ],
  [
    "a constraint",
    "ALTER TABLE leads ADD CONSTRAINT positive CHECK (score > 0)",
    "ALTER TABLE leads DROP CONSTRAINT positive",
    /^constraint public\.leads\.positive$/,
  ],
  [
    "a constraint that is not validated",
    "ALTER TABLE calls DROP CONSTRAINT calls_lead, ADD CONSTRAINT calls_lead FOREIGN KEY (lead_id) REFERENCES leads NOT VALID",
    "ALTER TABLE calls VALIDATE CONSTRAINT calls_lead",
    /^constraint public\.calls\.calls_lead$/,
  ],
  [
    "a constraint on delete",
    "ALTER TABLE calls DROP CONSTRAINT calls_lead, ADD CONSTRAINT calls_lead FOREIGN KEY (lead_id) REFERENCES leads ON DELETE CASCADE",
    "ALTER TABLE calls DROP CONSTRAINT calls_lead, ADD CONSTRAINT calls_lead FOREIGN KEY (lead_id) REFERENCES leads",
    /^constraint public\.calls\.calls_lead$/,
  ],
  [
    "a domain's constraint",
    "ALTER DOMAIN percent DROP CONSTRAINT at_most",
    "ALTER DOMAIN percent ADD CONSTRAINT at_most CHECK (VALUE <= 100)",
    /percent/,
  ],
  [
    "a view",
    "CREATE OR REPLACE VIEW names AS SELECT upper(name) AS name FROM leads",
    "CREATE OR REPLACE VIEW names AS SELECT name FROM leads",
    /^relation public\.names$/,
  ],
  [
    "a view's rights",
    "ALTER VIEW names SET (security_barrier)",
    "ALTER VIEW names RESET (security_barrier)",
    /^relation public\.names$/,
  ],
  [
    "an owner",
    "ALTER TABLE leads OWNER TO pg_monitor",
    "ALTER TABLE leads OWNER TO postgres",
    /^relation public\.leads$/,
  ],
  [
    "a function's owner",
    "ALTER FUNCTION touch OWNER TO pg_monitor",
    "ALTER FUNCTION touch OWNER TO postgres",
    /^function public\.touch\(\)$/,
  ],
  [
    "a publication's tables",
    "ALTER PUBLICATION fingerprints ADD TABLE calls",
    "ALTER PUBLICATION fingerprints DROP TABLE calls",
    /^publication fingerprints$/,
  ],
  [
    "a publication's commands",
    "ALTER PUBLICATION fingerprints SET (publish = 'insert')",
    "ALTER PUBLICATION fingerprints SET (publish = 'insert, update, delete, truncate')",
    /^publication fingerprints$/,
  ],
  [
    "replica identity",
    "ALTER TABLE leads REPLICA IDENTITY FULL",
    "ALTER TABLE leads REPLICA IDENTITY DEFAULT",
    /^relation public\.leads$/,
  ],
  [
    "a partition",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "DROP TABLE parts_1",
    /^(relation|column) public\.parts_1/,
  ],
  [
    "a type's values",
    "ALTER TYPE mood RENAME VALUE 'bad' TO 'worse'",
    "ALTER TYPE mood RENAME VALUE 'worse' TO 'bad'",
    /^type public\.mood$/,
  ],
  [
    "a rule",
    "CREATE RULE quiet AS ON DELETE TO leads DO INSTEAD NOTHING",
    "DROP RULE quiet ON leads",
    /^rule public\.leads\.quiet$/,
  ],
  ["a schema", "CREATE SCHEMA other", "DROP SCHEMA other", /^schema other$/],
  [
    "a table in another schema",
    "CREATE SCHEMA other; CREATE TABLE other.t (a integer)",
    "DROP SCHEMA other CASCADE",
    /other/,
  ],
  [
    "default privileges",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM pg_monitor",
    /^default privileges of postgres in public for r$/,
  ],
];

async function fingerprint(): Promise<Fingerprint> {
  return (await readSnapshot(database.session)).fingerprint;
}

beforeAll(async () => {
  database = await makeDatabase("fingerprints");
  await database.session.set("search_path", "public");
  // In the server's own folder: it takes no other.
  await database.session.set("allow_in_place_tablespaces", "on");
  await database.session.execute(sql`CREATE TABLESPACE fingerprint_space LOCATION ''`);
  for (const statement of [...schema, ...furtherSchema]) {
    await database.session.execute(raw(statement));
  }
  before = await fingerprint();
});

afterAll(async () => {
  await database.session.execute(sql`DROP TABLESPACE fingerprint_space`);
  await database.drop();
});

beforeEach(async () => {
  expect(compareFingerprints(before, await fingerprint()), "left by an earlier test").toEqual([]);
});

describe("the fingerprint is another with, and the same again without, a change of", () => {
  test.each([...changes, ...furtherChanges])("%s", async (_what, change, undo, object) => {
    await database.session.execute(raw(change));
    const changed = await fingerprint();
    await database.session.execute(raw(undo));
    const after = await fingerprint();

    expect(compareFingerprints(before, after)).toEqual([]);
    expect(after.digest).toBe(before.digest);
    expect(changed.digest).not.toBe(before.digest);
    const objects = compareFingerprints(before, changed).map((difference) => difference.object);
    expect(objects).toContainEqual(expect.stringMatching(object));
  });
});

test("the fingerprint does not know of rows, sizes, statistics and numbers of objects", async () => {
  const { session } = database;
  await session.execute(sql`INSERT INTO leads SELECT n FROM generate_series(1, 1000) AS n`);
  await session.execute(sql`SELECT nextval('numbers')`);
  await session.execute(sql`ANALYZE`);
  await session.execute(sql`VACUUM FULL leads`);
  await session.execute(sql`REINDEX TABLE leads`);
  expect((await fingerprint()).digest).toBe(before.digest);
});

test("the fingerprint is the same with whatever search path it is read", async () => {
  await database.session.set("search_path", "pg_catalog");
  const elsewhere = await fingerprint();
  await database.session.set("search_path", "public");
  expect(compareFingerprints(before, elsewhere)).toEqual([]);
});

test("the journal is no part of the fingerprint", async () => {
  await createJournal(database.session);
  expect((await fingerprint()).digest).toBe(before.digest);
});

test("a fingerprint that an older version stored is compared by the kinds of objects that it has", async () => {
  const known =
    /^(schema|relation|column|constraint|index|policy|trigger|rule|function|type|publication) /;
  const stored = fingerprintSchema.parse({
    digest: "",
    entries: before.entries.filter(({ object }) => known.test(object)),
  });
  expect(stored.entries.length).toBeLessThan(before.entries.length);
  expect(compareFingerprints(stored, before)).toEqual([]);
  await database.session.execute(sql`COMMENT ON TABLE leads IS 'not in an older fingerprint'`);
  await database.session.execute(sql`ALTER TABLE leads ADD extra integer`);
  const changed = compareFingerprints(stored, await fingerprint());
  expect(changed.map(({ object }) => object)).toEqual(["column public.leads.extra"]);
  await database.session.execute(sql`ALTER TABLE leads DROP extra`);
  await database.session.execute(sql`COMMENT ON TABLE leads IS NULL`);
});

test("no password is in the fingerprint", async () => {
  const { session } = database;
  await session.execute(sql`CREATE FOREIGN DATA WRAPPER elsewhere`);
  await session.execute(sql`CREATE SERVER there FOREIGN DATA WRAPPER elsewhere`);
  await session.execute(
    sql`CREATE USER MAPPING FOR postgres SERVER there OPTIONS (password 'a secret')`,
  );
  expect(JSON.stringify(await fingerprint())).not.toContain("a secret");
  await session.execute(sql`DROP FOREIGN DATA WRAPPER elsewhere CASCADE`);
});
