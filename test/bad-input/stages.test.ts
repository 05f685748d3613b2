import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { editedCopy } from "./edited-database.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

const files = { "tenantry.config.json": JSON.stringify(smallCompany) };

/** Before any stage, and with Day 1 applied. */
let untouched: TestDatabase;
let withDay1: TestDatabase;

beforeAll(async () => {
  untouched = await makeDatabase("before any stage");
  await makeSmallCompany(untouched.session, 50);
  withDay1 = await makeDatabase("with day1 applied");
  await makeSmallCompany(withDay1.session, 50);
});

afterAll(async () => {
  await untouched.drop();
  await withDay1.drop();
});

type Case = readonly [command: string, code: ErrorCode, says: RegExp];

const early: readonly Case[] = [
  ["run --stage day2 --yes", "STAGE_OUT_OF_ORDER", /day1 is not applied, and day2 depends on it/],
  ["run --stage day3 --yes", "STAGE_OUT_OF_ORDER", /day1 is not applied, and day3 depends on it/],
  ["--stage day2 --yes", "STAGE_OUT_OF_ORDER", /day1 is not applied/],
  ["rehearse --stage day2", "STAGE_OUT_OF_ORDER", /day1 is not applied/],
  ["run", "CONFIRMATION_NEEDED", /confirmation is required/],
  ["run --stage day1 --json", "CONFIRMATION_NEEDED", /confirmation is required/],
  ["rollback --yes", "NOTHING_TO_ROLL_BACK", /no stage is applied/],
  ["rollback --all --yes", "NOTHING_TO_ROLL_BACK", /no stage is applied/],
  ["rollback --stage day1 --yes", "NOTHING_TO_ROLL_BACK", /no stage is applied/],
  ["rollback --print-sql", "NOTHING_TO_ROLL_BACK", /no stage is applied/],
  ["--stage day1 --verify", "VERIFICATION_FAILED", /is not applied/],
  ["--stage day3 --verify --junit /nowhere/report.xml", "USAGE", /cannot be written/],
  ["audit --drift", "AUDIT_IMPOSSIBLE", /no stage is applied/],
];

const late: readonly Case[] = [
  ["run --stage day1 --yes", "STAGE_ALREADY_APPLIED", /is applied already/],
  ["run --stage day3 --yes", "STAGE_OUT_OF_ORDER", /day2 is not applied, and day3 depends on it/],
  ["rehearse --stage day1", "STAGE_ALREADY_APPLIED", /is applied already/],
  ["rollback --stage day2 --yes", "NOTHING_TO_ROLL_BACK", /is not applied/],
  ["rollback", "CONFIRMATION_NEEDED", /confirmation is required/],
  ["--stage day2 --verify", "VERIFICATION_FAILED", /is not applied/],
  ["run --stage day1 --attribution /nowhere --yes", "STAGE_ALREADY_APPLIED", /is applied already/],
];

async function refuse(
  database: TestDatabase,
  [command, code, says]: Case,
  config: unknown = smallCompany,
) {
  const folder = await folderWith({ ...files, "tenantry.config.json": JSON.stringify(config) });
  const before = { content: await contentOf(database.session), files: await filesIn(folder) };
  const plain = command.replace(" --json", "");
  const outcome = await tenantryIn(folder, { DATABASE_URL: database.url }, plain.split(" "));
  const refusal = refusalOf(outcome);
  expect(refusal).toMatchObject({ code, fault: expect.stringMatching(says) });
  expect({ content: await contentOf(database.session), files: await filesIn(folder) }).toEqual(
    before,
  );
  return refusal;
}

test.each(early)("before any stage, tenantry %s is refused", async (...given) => {
  await refuse(untouched, given);
});

test("day1 is applied, as all that follows needs it", async () => {
  const folder = await folderWith(files);
  const run = await tenantryIn(folder, { DATABASE_URL: withDay1.url }, [
    "run",
    "--stage",
    "day1",
    "--yes",
  ]);
  expect([run.code, run.stderr]).toEqual([0, expect.anything()]);
});

test.each(late)("with day1 applied, tenantry %s is refused", async (...given) => {
  await refuse(withDay1, given);
});

test.each(["run --yes", "rollback --yes"])(
  "tenantry %s while another run is at work is refused, and says whose",
  async (command) => {
    const { session } = withDay1;
    await session.execute(sql`
    UPDATE tenantry.lease
       SET holder = 'somebody@elsewhere',
           backend = pg_backend_pid(),
           backend_start = NULL,
           expires_at = clock_timestamp() + interval '1 minute'
  `);
    const refusal = await refuse(withDay1, [command, "LEASE_HELD", /somebody@elsewhere/]);
    expect(refusal.next).toContain("tenantry status");
    await session.execute(sql`UPDATE tenantry.lease SET expires_at = '-infinity'`);
  },
);

/** What a role is given besides the right to connect. */
const people: readonly (readonly [what: string, grants: readonly string[]])[] = [
  ["may do nothing", []],
  ["may only read", ["GRANT SELECT ON ALL TABLES IN SCHEMA public TO $role"]],
  ["may write rows", ["GRANT ALL ON ALL TABLES IN SCHEMA public TO $role"]],
  [
    "owns the tables, and may make no schema",
    [
      "GRANT CREATE ON SCHEMA public TO $role",
      ...["person", "leads", "calls", "settings"].map(
        (table) => `ALTER TABLE ${table} OWNER TO $role`,
      ),
    ],
  ],
  [
    "may make schemas, and owns no table",
    [
      "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO $role', current_database()); END $$",
      "GRANT SELECT ON ALL TABLES IN SCHEMA public TO $role",
    ],
  ],
  [
    "may not use the schema",
    [
      "REVOKE ALL ON SCHEMA public FROM PUBLIC",
      "GRANT SELECT ON ALL TABLES IN SCHEMA public TO $role",
    ],
  ],
  [
    "may only read by its own settings",
    [
      "ALTER ROLE $role SET default_transaction_read_only = on",
      "GRANT ALL ON ALL TABLES IN SCHEMA public TO $role",
    ],
  ],
];

test.each(people.map(([what, grants]) => ({ what, grants })))(
  "a role that $what is told what it lacks, and changes nothing",
  async ({ grants }) => {
    await untouched.session.close();
    const role = "bad_input_nobody";
    const { session, url } = await editedCopy(
      untouched,
      `DROP ROLE IF EXISTS ${role}`,
      `CREATE ROLE ${role} LOGIN`,
      ...grants.map((grant) => grant.replaceAll("$role", role)),
    );
    const own = new URL(url);
    own.username = role;
    own.password = "";
    const folder = await folderWith(files);
    const before = { content: await contentOf(session), files: await filesIn(folder) };
    for (const [command, codes] of [
      ["run --yes", /^(CONFIG_INVALID|PREFLIGHT_FAILED)$/],
      ["check", /^PREFLIGHT_FAILED$/],
      ["rollback --yes", /^NOTHING_TO_ROLL_BACK$/],
      ["--stage day1 --verify", /^VERIFICATION_FAILED$/],
    ] as const) {
      const outcome = await tenantryIn(folder, { DATABASE_URL: own.href }, command.split(" "));
      expect([command, refusalOf(outcome).code]).toEqual([command, expect.stringMatching(codes)]);
    }
    expect({ content: await contentOf(session), files: await filesIn(folder) }).toEqual(before);
    for (const statement of [`DROP OWNED BY ${role} CASCADE`, `DROP ROLE ${role}`])
      await session.execute({ parts: [statement], values: [] });
  },
);

test("a role that may not read every table makes no backup and no rehearsal", async () => {
  await untouched.session.close();
  const role = "bad_input_reader";
  const { session, url } = await editedCopy(
    untouched,
    `DROP ROLE IF EXISTS ${role}`,
    `CREATE ROLE ${role} LOGIN`,
  );
  const own = new URL(url);
  own.username = role;
  own.password = "";
  const folder = await folderWith(files);
  const before = await contentOf(session);
  for (const [command, codes] of [
    ["backup", /^BACKUP_FAILED$/],
    ["rehearse", /^CONFIG_INVALID$/],
  ] as const) {
    const outcome = await tenantryIn(folder, { DATABASE_URL: own.href }, command.split(" "));
    expect([command, refusalOf(outcome).code]).toEqual([command, expect.stringMatching(codes)]);
  }
  const left = Object.keys(await filesIn(folder)).filter((name) => /manifest|partial/.test(name));
  expect([left, await contentOf(session)]).toEqual([[], before]);
  await session.execute({ parts: [`DROP ROLE ${role}`], values: [] });
});

const other = /differs from the applied stage day1/;

const between: readonly (readonly [what: string, config: Config, says: RegExp])[] = [
  ["another column", { ...smallCompany, names: { organizationColumn: "tenant_id" } }, other],
  [
    "other organizations",
    { ...smallCompany, names: { organizations: "companies" }, unlistedTables: "warn" },
    other,
  ],
  [
    "other memberships",
    { ...smallCompany, names: { memberships: "members" }, unlistedTables: "warn" },
    other,
  ],
  ["other helpers", { ...smallCompany, names: { helpers: "fences" } }, other],
  [
    "another default organization",
    { ...smallCompany, defaultOrganization: { name: "Other", slug: "other" } },
    other,
  ],
  ["other users", { ...smallCompany, users: { table: "leads", owners: "TRUE" } }, other],
  [
    "a table of Day 1 in Day 2",
    {
      ...smallCompany,
      day1: { tables: { leads: { user: "person_id" } } },
      day2: { tables: { settings: "default", calls: { via: "lead_id" } } },
    },
    /calls: has the policy/,
  ],
  [
    "a table that is forgotten",
    { ...smallCompany, day1: { tables: { leads: { user: "person_id" } } } },
    /calls: is not named in the configuration/,
  ],
  ["another schema", { ...smallCompany, schema: "pg_temp" }, /no such table/],
];

test.each(between.map(([what, config, says]) => ({ what, config, says })))(
  "a configuration with $what is refused when day1 is applied without",
  async ({ config, says }) => {
    await withDay1.session.close();
    const { session, url } = await editedCopy(withDay1);
    const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
    const before = { content: await contentOf(session), files: await filesIn(folder) };
    for (const command of ["run --stage day2 --yes", "rehearse"]) {
      const outcome = await tenantryIn(folder, { DATABASE_URL: url }, command.split(" "));
      expect(refusalOf(outcome)).toMatchObject({
        code: "CONFIG_INVALID",
        details: expect.stringMatching(says),
      });
    }
    expect({ content: await contentOf(session), files: await filesIn(folder) }).toEqual(before);
  },
);

test("another identity after day1 is found out by day2's proof, and day2 undoes itself", async () => {
  await withDay1.session.close();
  const { session, url } = await editedCopy(withDay1);
  const config: Config = { ...smallCompany, identity: { kind: "setting", setting: "app.person" } };
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const before = await contentOf(session);
  const args = ["run", "--stage", "day2", "--yes"];
  const refusal = refusalOf(await tenantryIn(folder, { DATABASE_URL: url }, args));
  expect(refusal).toMatchObject({
    code: "VERIFICATION_FAILED",
    state: expect.stringMatching(/was rolled back/),
  });
  expect((await contentOf(session))["fingerprint"]).toEqual(before["fingerprint"]);
});
