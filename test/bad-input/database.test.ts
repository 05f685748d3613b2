import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import {
  contentOf,
  filesIn,
  folderWith,
  type Refusal,
  refusalOf,
  tenantryIn,
} from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;

beforeAll(async () => {
  database = await makeDatabase("input that does not fit");
  await makeSmallCompany(database.session, 50);
  const statements = [
    "CREATE VIEW seen AS TABLE leads",
    "CREATE MATERIALIZED VIEW counted AS TABLE leads",
    "CREATE TABLE parted (id int, lead_id bigint) PARTITION BY RANGE (id)",
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (2)",
    "CREATE TABLE ancestor (id int PRIMARY KEY)",
    "CREATE TABLE heir (more int) INHERITS (ancestor)",
    "CREATE TABLE taken (id int PRIMARY KEY, organization_id text)",
    "CREATE TABLE twice (id int)",
    "CREATE SEQUENCE numbers",
    "CREATE SCHEMA other CREATE TABLE apart (id int)",
  ];
  for (const statement of statements)
    await database.session.execute({ parts: [statement], values: [] });
  content = await contentOf(database.session);
});

afterAll(async () => {
  const after = await contentOf(database.session);
  await database.drop();
  expect(after).toEqual(content);
});

/** What is there besides the small company, and is none of a case's business. */
const rest = {
  parted: "of no matter",
  taken: "of no matter",
  twice: "of no matter",
  heir: "of no matter",
  ancestor: "of no matter",
};

const base: Config = { ...smallCompany, exemptTables: { ...smallCompany.exemptTables, ...rest } };

async function refused(config: unknown, args: readonly string[]): Promise<Refusal> {
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const before = await filesIn(folder);
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, args);
  const refusal = refusalOf(outcome);
  expect(await filesIn(folder)).toEqual(before);
  return refusal;
}

const day1 = (tables: Config["day1"]["tables"]): Config => ({
  ...base,
  day1: { tables: { ...base.day1.tables, ...tables } },
});
const { parted: _parted, taken: _taken, heir: _heir, ...less } = rest;
const exempt = (tables: Config["day1"]["tables"]): Config => ({
  ...day1(tables),
  exemptTables: { ...smallCompany.exemptTables, ...less },
});

const misfits: readonly (readonly [what: string, config: Config, says: RegExp])[] = [
  ["a table that is unknown", day1({ nowhere: "default" }), /day1\.tables\.nowhere: no such table/],
  [
    "a table in other capitals",
    day1({ Leads: "default" }),
    /day1\.tables\.Leads: no such table .*did you mean leads\?/,
  ],
  [
    "a table of a schema that is unknown",
    day1({ "nowhere.leads": "default" }),
    /nowhere\.leads: no such table/,
  ],
  [
    "a table of Day 2 that is unknown",
    { ...base, day2: { tables: { settings: "default", nowhere: "default" } } },
    /day2\.tables\.nowhere: no such table/,
  ],
  [
    "a shared table that is unknown",
    { ...base, sharedTables: { nowhere: "for everybody" } },
    /sharedTables\.nowhere: no such table/,
  ],
  ["a schema that is unknown", { ...base, schema: "nowhere" }, /no such table/],
  ["a view", day1({ seen: "default" }), /seen: is a view/],
  ["a materialized view", day1({ counted: "default" }), /counted: is a materialized view/],
  [
    "a partition, by its own name",
    day1({ parted_1: "default" }),
    /parted_1: is a partition of parted → name parted instead/,
  ],
  ["a table that inherits", exempt({ heir: "default" }), /heir: is part of an inheritance tree/],
  ["a sequence", day1({ numbers: "default" }), /numbers: (no such table|is a)/],
  [
    "an organization column of another type",
    exempt({ taken: "default" }),
    /taken: has a column organization_id of type text/,
  ],
  [
    "a via column that is unknown",
    day1({ calls: { via: "led_id" } }),
    /has no column led_id → did you mean lead_id\?/,
  ],
  [
    "a via column without a foreign key",
    day1({ calls: { via: "said" } }),
    /has no foreign key on the single column said/,
  ],
  ["a via column to a table that is no tenant's", day1({ leads: { via: "person_id" } }), /leads: /],
  [
    "a user column that is unknown",
    day1({ leads: { user: "owner" } }),
    /leads: has no column owner/,
  ],
  [
    "a users' table that is unknown",
    { ...base, users: { ...base.users, table: "people" } },
    /users\.table: no such table/,
  ],
  [
    "a users' table that is a view",
    { ...base, users: { ...base.users, table: "seen" } },
    /users\.table: seen is a view/,
  ],
  [
    "a users' id that is unknown",
    { ...base, users: { ...base.users, id: "uuid" } },
    /users\.id: person has no column uuid/,
  ],
  [
    "a users' id that is not unique",
    { ...base, users: { ...base.users, id: "email" } },
    /users\.id: person\.email is not unique/,
  ],
  [
    "a role that is unknown",
    { ...base, roles: { signedIn: "small_company_ap" } },
    /roles\.signedIn: the role .* does not exist .*small_company_app\?/,
  ],
  [
    "a role in other capitals",
    { ...base, roles: { signedIn: "SMALL_COMPANY_APP" } },
    /roles\.signedIn: the role .* does not exist/,
  ],
  [
    "an anonymous role that is unknown",
    { ...base, roles: { signedIn: "small_company_app", anonymous: "nobody here" } },
    /roles\.anonymous: the role .* does not exist/,
  ],
  [
    "organizations of a name that is taken",
    { ...base, names: { organizations: "heir" }, exemptTables: { ...smallCompany.exemptTables } },
    /heir/,
  ],
  [
    "helper functions in a schema that is taken",
    { ...base, names: { helpers: "other" } },
    /names\.helpers: /,
  ],
  [
    "a table that was forgotten",
    { ...base, day2: { tables: {} } },
    /settings: is not named in the configuration/,
  ],
];

const asking = ["run --yes", "plan", "rehearse"];

test.each(
  misfits.map(([what, config, says], index) => ({
    ...{ what, config, says },
    command: asking[index % asking.length] ?? "",
  })),
)(
  "$what is a fault of the configuration, for tenantry $command",
  async ({ config, says, command }) => {
    const refusal = await refused(config, command.split(" "));
    expect([refusal.code, refusal.details]).toEqual([
      "CONFIG_INVALID",
      expect.stringMatching(says),
    ]);
  },
);

test("tenantry check names what does not fit among all else that would bite", async () => {
  const checked = await refused(day1({ nowhere: "default" }), ["check"]);
  expect(checked.code).toBe("PREFLIGHT_FAILED");
  expect(checked.details).toMatch(/configuration: day1\.tables\.nowhere: no such table/);
});

const broken: readonly (readonly [what: string, config: Config])[] = [
  ["owners that are no SQL", { ...base, users: { ...base.users, owners: "record.id IN (" } }],
  [
    "owners of a column that is unknown",
    { ...base, users: { ...base.users, owners: "record.nowhere" } },
  ],
  ["owners that are a number", { ...base, users: { ...base.users, owners: "42" } }],
  [
    "owners that end the statement",
    { ...base, users: { ...base.users, owners: "TRUE); DROP TABLE leads; --" } },
  ],
  [
    "admins that call what is not there",
    { ...base, users: { ...base.users, admins: "nowhere(record.id)" } },
  ],
  [
    "users of an organization that divide by zero",
    { ...base, organizations: [{ name: "A", slug: "a", users: "1 / 0 = record.id" }] },
  ],
  ["a source that is no SQL", day1({ leads: { sql: "SELECT" } })],
  ["a source of another type", day1({ leads: { sql: "record.phone" } })],
  [
    "a source that is no organization",
    day1({ leads: { sql: "'8d8dca5d-9d3f-4b7e-8ee4-f4e8c5e0a111'::uuid" } }),
  ],
];

test.each(broken)("%s stop the first stage, and it undoes itself", async (_what, config) => {
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, ["run", "--yes"]);
  const refusal = refusalOf(outcome);
  expect([refusal.code, refusal.state]).toEqual([
    expect.stringMatching(/STATEMENT_FAILED|VERIFICATION_FAILED|CONFIG_INVALID/),
    expect.anything(),
  ]);
  const {
    "tenantry.journal": _j,
    "tenantry.run": _r,
    "tenantry.step": _s,
    ...tables
  } = await contentOf(database.session);
  expect(tables).toEqual(content);
  await database.session.execute({ parts: ["DROP SCHEMA IF EXISTS tenantry CASCADE"], values: [] });
});

test("a table without a primary key is said to be, and is no reason to refuse", async () => {
  const { twice: _twice, ...others } = rest;
  const config: Config = {
    ...day1({ twice: "default" }),
    exemptTables: { ...smallCompany.exemptTables, ...others },
  };
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, ["check"]);
  expect([outcome.code, outcome.stdout]).toEqual([
    0,
    expect.stringMatching(/primary-keys[\s\S]*public\.twice: has no primary key/),
  ]);
});
