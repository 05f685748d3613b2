import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { tryIsolation } from "../../src/verify/proof/isolation.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const settings = parseSettings(smallCompany, "the small company");

let database: TestDatabase;
/** The tables' owner, who is no superuser and may silence no trigger. */
let owner: Session;

beforeAll(async () => {
  database = await makeDatabase("sound tables");
  await makeSmallCompany(database.session, 20);
});
beforeEach(async () => {
  if (owner !== undefined) return;
  const project = await makeProject(database.url, smallCompany);
  expect(await project.tenantry("run", "--stage", "day1", "--yes")).toMatchObject({ code: 0 });
  await change(`
    DO $$
    DECLARE
      owned regclass;
    BEGIN
      CREATE ROLE sound_tables_owner NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END $$;
    GRANT small_company_app TO sound_tables_owner;
    DO $$
    DECLARE
      owned regclass;
    BEGIN
      FOR owned IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO sound_tables_owner', owned);
      END LOOP;
    END $$`);
  owner = await openSession({ url: database.url });
  await owner.execute(sql`SET SESSION AUTHORIZATION sound_tables_owner`);
});
afterAll(async () => {
  await owner?.close();
  await database.drop();
});

async function change(statements: string): Promise<void> {
  await database.session.execute(sql`${raw(statements)}`);
}

/** What the trial of Day 1 says, as a superuser and as the tables' owner. */
async function trial(
  session: Session,
): Promise<{ claims: string; unproven: string; violations: string[] }> {
  const run = await runInForce(database.session, "day1");
  if (run === undefined) throw new Error("Day 1 is not applied");
  const results = await tryIsolation(session, { ...run, settings });
  return {
    claims: results.map(({ claim }) => claim).join("\n"),
    unproven: results.flatMap(({ unproven = [] }) => unproven.map(({ what }) => what)).join("\n"),
    violations: results.flatMap(({ violations }) => violations),
  };
}

const raises = (name: string, when: string) => `
  CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''nobody writes to calls''; END';
  CREATE TRIGGER ${name} BEFORE ${when} ON calls FOR EACH ROW EXECUTE FUNCTION ${name}()`;

/** A table that is sound, how it is made, how it is unmade, and what is said of it to its owner. */
const sound: readonly (readonly [string, string, string, RegExp])[] = [
  [
    "an append-only table",
    raises("append_only", "UPDATE OR DELETE"),
    "DROP FUNCTION append_only() CASCADE",
    /^calls: the application's own trigger refuses writes: nobody writes to calls/m,
  ],
  [
    "a trigger that refuses every new row",
    raises("read_only", "INSERT"),
    "DROP FUNCTION read_only() CASCADE",
    /^calls: the application's own trigger refuses writes: nobody writes to calls/m,
  ],
  [
    "a trigger that wants a parent and sees none",
    `CREATE FUNCTION wants_parent() RETURNS trigger LANGUAGE plpgsql AS $$
     DECLARE
       parent bigint;
     BEGIN
       SELECT id INTO STRICT parent FROM leads WHERE id = NEW.lead_id;
       RETURN NEW;
     END $$;
     CREATE TRIGGER wants_parent BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION wants_parent()`,
    "DROP FUNCTION wants_parent() CASCADE",
    /calls as .*(the application's own trigger refuses writes: query returned no rows|only their own)/,
  ],
  [
    "a rule that keeps rows from being changed",
    "CREATE RULE kept AS ON UPDATE TO calls DO INSTEAD NOTHING",
    "DROP RULE kept ON calls",
    /calls as member of Test Client A: only their own$/m,
  ],
  [
    "a domain that takes no NULL",
    `CREATE DOMAIN length AS integer NOT NULL;
     ALTER TABLE calls ADD COLUMN seconds length DEFAULT 1;
     ALTER TABLE calls ALTER COLUMN seconds DROP DEFAULT`,
    "ALTER TABLE calls DROP COLUMN seconds; DROP DOMAIN length",
    /calls as member of Test Client A: only their own$/m,
  ],
  [
    "organizations that got columns of their own",
    `ALTER TABLE organizations ADD COLUMN country text NOT NULL DEFAULT 'NL', ADD COLUMN domain text;
     UPDATE organizations SET domain = slug;
     ALTER TABLE organizations
       ALTER COLUMN country DROP DEFAULT,
       ALTER COLUMN domain SET NOT NULL,
       ADD UNIQUE (domain)`,
    "ALTER TABLE organizations DROP COLUMN country, DROP COLUMN domain",
    /calls as member of Test Client A: only their own$/m,
  ],
];

test.for(sound)("%s is no violation", async ([, make, unmake, said]) => {
  await change(make);
  const all = await trial(database.session);
  const owned = await trial(owner);
  await change(unmake);
  expect(all.violations).toEqual([]);
  expect(owned.violations).toEqual([]);
  expect(`${owned.claims}\n${owned.unproven}`).toMatch(said);
});

test.for(sound)("%s hides no fence that is down", async ([, make, unmake]) => {
  await change(make);
  await change("ALTER TABLE calls DISABLE ROW LEVEL SECURITY");
  const all = await trial(database.session);
  const owned = await trial(owner);
  await change("ALTER TABLE calls ENABLE ROW LEVEL SECURITY");
  await change(unmake);
  for (const { violations } of [all, owned]) expect(violations.join("\n")).toMatch(/sees \d+ rows/);
  expect(all.violations.join("\n")).toMatch(/inserts a row for|is stopped by a constraint only/);
});
