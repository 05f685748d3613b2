import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import {
  contentOf,
  filesIn,
  folderWith,
  plainText,
  type Refusal,
  refusalOf,
  tenantryIn,
} from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;

/** Tables that whoever forgets one, or mistypes one, has never thought of. */
const hostileNames = [
  'q"uote',
  "apo'strophe",
  "semi; DROP TABLE leads; --",
  "line\nbreak",
  "tab\there",
  "bell\u0007",
  "escape\u001b[2J\u001b[31m",
  "right\u202eto left",
  "dollar$1$$",
  "per%cent %s %I",
  "back\\slash",
  "dot.ted",
  "select",
  "constructor",
  "Ünïcödé",
  "👩‍👩‍👧",
  "é".repeat(31),
  "x".repeat(63),
  " ",
];

beforeAll(async () => {
  database = await makeDatabase("hostile names and data");
  await makeSmallCompany(database.session, 50);
  const quoted = hostileNames.map((name) => `"${name.replaceAll('"', '""')}"`);
  for (const statement of [
    "CREATE SCHEMA hostile",
    ...quoted.map((name) => `CREATE TABLE hostile.${name} (id int)`),
    "CREATE TABLE papers (title text PRIMARY KEY, person_id bigint REFERENCES person)",
  ]) {
    await database.session.execute({ parts: [statement], values: [] });
  }
  for (const name of hostileNames)
    await database.session.execute(sql`INSERT INTO papers VALUES (${name}, NULL)`);
  content = await contentOf(database.session);
});

afterAll(async () => {
  const after = await contentOf(database.session);
  await database.drop();
  expect(after).toEqual(content);
});

/** The papers are of no matter, but where a case is of them. */
const exempt = { ...smallCompany.exemptTables, papers: "of no matter" };
const base: Config = { ...smallCompany, exemptTables: exempt };

const day1 = (tables: Config["day1"]["tables"]): Config => ({
  ...base,
  day1: { tables: { ...base.day1.tables, ...tables } },
});

/** What a run says, and what of it a terminal is shown. */
async function refused(config: object): Promise<Refusal & { shown: string }> {
  const folder = await folderWith({
    "tenantry.config.json": JSON.stringify(config),
  });
  const before = await filesIn(folder);
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, ["run", "--yes"]);
  const refusal = refusalOf(outcome);
  expect(await filesIn(folder)).toEqual(before);
  return { ...refusal, shown: outcome.stderr };
}

test("hostile tables that were forgotten are named, each on its own lines, and nothing steers the terminal", async () => {
  const exemptTables = { ...exempt, "hostile.select": "to have the schema looked at" };
  const config: Config = { ...base, exemptTables };
  const refusal = await refused(config);
  expect(refusal.details.match(/is not named in the configuration/g)).toHaveLength(
    hostileNames.length - 1,
  );
  const lines = plainText(refusal.shown).replaceAll(/[\n\t]/g, "");
  expect(lines).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});

test("whatever name a table, a column or a role is given, it is refused by its name", async () => {
  const name = fc.oneof(
    fc.constantFrom(...hostileNames.map((hostile) => `${hostile.slice(0, 20)}?`)),
    fc.string({ unit: "binary", minLength: 1, maxLength: 80 }),
    fc.constantFrom("toString", "$libdir", "%I", "a\0b", "\ud800", "'", '"', '""', "."),
  );
  await fc.assert(
    fc.asyncProperty(
      name,
      fc.constantFrom("table", "column", "role", "users", "schema"),
      async (text, as) => {
        const config = {
          table: day1({ [text]: "default" }),
          column: day1({ leads: { user: text } }),
          role: { ...base, roles: { signedIn: text } },
          users: { ...base, users: { ...base.users, table: text } },
          schema: { ...base, schema: text },
        }[as];
        const refusal = await refused(config);
        expect([text, refusal.code]).toEqual([text, "CONFIG_INVALID"]);
      },
    ),
    { numRuns: 50 },
  );
});

test("hostile rows that nobody can attribute are listed, steer nothing, and the stage undoes itself", async () => {
  const { exemptTables } = smallCompany;
  const config: Config = {
    ...day1({ papers: { user: "person_id" } }),
    exemptTables: exemptTables ?? {},
  };
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, ["run", "--yes"]);
  const refusal = refusalOf(outcome);
  expect(refusal).toMatchObject({
    code: "VERIFICATION_FAILED",
    state: expect.stringMatching(/was rolled back/),
  });
  expect(refusal.details).toContain("every row of papers has an organization");
  expect(outcome.stderr.slice(outcome.stderr.indexOf("✘")).replaceAll(/[\n\t]/g, "")).not.toMatch(
    /[\p{Cc}\p{Bidi_Control}]/u,
  );
  await database.session.execute(sql`DROP SCHEMA tenantry CASCADE`);
});
