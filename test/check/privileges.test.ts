import { expect, test } from "vitest";
import { openSession } from "../../src/postgres/connection.ts";
import { makeProject } from "../setup/project.ts";
import { smallCompany } from "../setup/small-company.ts";
import { asRole, company, execute, findings, look } from "./server.ts";

test("a role that is no superuser is told every privilege that it lacks, and what it is told fixes it", async () => {
  const database = await company("a plain role");
  await execute(
    database.session,
    "ALTER TABLE settings ENABLE ROW LEVEL SECURITY",
    "CREATE SCHEMA vault CREATE TABLE secret (id int) CREATE SEQUENCE numbers",
  );
  const role = await asRole(database, "plain_migrator");
  const before = (await look(role)).filter(({ severity }) => severity === "blocking");
  const said = before.map(({ id, object, fact }) => `${id}: ${object}: ${fact}`);
  expect(said).toEqual([
    expect.stringMatching(/^database-privilege: plain_migrator: is not allowed to create schemas/),
    "schema-privileges: public: plain_migrator is not allowed to create anything in the schema",
    "users-table: person: plain_migrator lacks SELECT, REFERENCES, TRIGGER on it",
    "impersonation: small_company_app: plain_migrator is not allowed to SET ROLE to it",
    expect.stringMatching(
      /^dump-privileges: public: plain_migrator is not allowed to read calls, .* and \d more$/,
    ),
    "dump-privileges: vault: plain_migrator is not allowed to read numbers, secret",
    expect.stringMatching(/^dump-row-security: public.settings: its policies apply to/),
    expect.stringMatching(/^configuration: day1.tables.leads: belongs to postgres/),
    expect.stringMatching(/^configuration: day1.tables.calls: belongs to postgres/),
    expect.stringMatching(/^configuration: day2.tables.settings: belongs to postgres/),
  ]);
  for (const { id, fix } of before) {
    if (id !== "configuration") await execute(database.session, fix);
  }
  await execute(
    database.session,
    ...["leads", "calls", "settings"].map(
      (table) => `ALTER TABLE ${table} OWNER TO plain_migrator`,
    ),
  );
  const after = await look(role);
  expect(after.filter(({ severity }) => severity === "blocking")).toEqual([]);
  expect(after.map(({ id }) => id)).toContain("long-transactions");
  // The sessions of the superuser, which another role sees nothing of.
  const hidden = await findings("long-transactions", role);
  expect(hidden).toMatchObject([
    {
      says: expect.stringMatching(/of other roles: plain_migrator is not allowed to see/),
      fix: 'GRANT pg_read_all_stats TO "plain_migrator"',
    },
  ]);
  await execute(database.session, hidden[0]?.fix ?? "");
  expect(await findings("long-transactions", role)).toEqual([]);
  await execute(
    database.session,
    "DROP OWNED BY plain_migrator CASCADE",
    "DROP ROLE plain_migrator",
  );
});

test("with forceRowSecurity a role without BYPASSRLS is refused by run, too", async () => {
  const database = await company("forced");
  const role = await asRole(database, "forced_owner", "CREATEROLE");
  const config = { ...smallCompany, forceRowSecurity: true };
  const [finding] = await findings("forced-row-security", role, { config });
  expect(finding).toMatchObject({
    severity: "blocking",
    fix: 'ALTER ROLE "forced_owner" BYPASSRLS',
  });
  await execute(
    database.session,
    ...["leads", "calls", "settings"].map((table) => `ALTER TABLE ${table} OWNER TO forced_owner`),
    "GRANT small_company_app TO forced_owner",
  );
  const project = await makeProject(role.url ?? "", config);
  const refused = await project.tenantry("run", "--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("PREFLIGHT_FAILED");
  expect(refused.stderr).toContain("database-privilege: ");
  expect(refused.stderr).toContain("forced-row-security: forced_owner: has no BYPASSRLS");
  await execute(database.session, finding?.fix ?? "");
  expect(await findings("forced-row-security", role, { config })).toEqual([]);
  await execute(
    database.session,
    "REASSIGN OWNED BY forced_owner TO postgres",
    "DROP OWNED BY forced_owner",
    "DROP ROLE forced_owner",
  );
});

test("a connected role that requests can become is told to connect as another, never to bypass", async () => {
  const database = await company("requesting");
  const role = await asRole(database, "requesting_owner", "CREATEROLE");
  const roles = { signedIn: "small_company_app", login: "requesting_owner" };
  const config = { ...smallCompany, roles, forceRowSecurity: true };
  const [finding] = await findings("forced-row-security", role, { config });
  expect(finding?.fix).toMatch(/^CREATE ROLE tenantry .*, and connect as that/);
  expect(finding?.fix).not.toContain("ALTER ROLE");
  await execute(database.session, "DROP OWNED BY requesting_owner", "DROP ROLE requesting_owner");
});

test("an application's role that owns a table is not held by row-level security", async () => {
  const { url, session } = await company("owner");
  await execute(session, "ALTER TABLE leads OWNER TO small_company_app");
  const found = await findings("application-roles", { url });
  expect(found).toMatchObject([
    {
      severity: "blocking",
      says: "small_company_app: is the owner of public.leads, or a member of it",
    },
  ]);
  const forced = { ...smallCompany, forceRowSecurity: true };
  expect(await findings("application-roles", { url }, { config: forced })).toEqual([]);
  await execute(session, found[0]?.fix.split(", or ")[0] ?? "");
  expect(await findings("application-roles", { url })).toEqual([]);
});

test("an application's role that is a superuser, or has BYPASSRLS, is held by nothing", async () => {
  const { url, session } = await company("superuser");
  const config = { ...smallCompany, roles: { signedIn: "checked_app" }, forceRowSecurity: true };
  await execute(
    session,
    "DROP ROLE IF EXISTS checked_app",
    "CREATE ROLE checked_app SUPERUSER BYPASSRLS",
  );
  for (const fact of ["is a superuser", "has BYPASSRLS"]) {
    const [found] = await findings("application-roles", { url }, { config });
    expect(found).toMatchObject({ severity: "blocking", says: `checked_app: ${fact}` });
    await execute(session, found?.fix ?? "");
  }
  expect(await findings("application-roles", { url }, { config })).toEqual([]);
  await execute(session, "DROP ROLE checked_app");
});

test("timeouts are named with the place that sets them", async () => {
  const database = await company("timeouts");
  const { session, name } = database;
  const role = await asRole(database, "hasty");
  await execute(
    session,
    "ALTER ROLE hasty SET statement_timeout = '30s'",
    `ALTER DATABASE "${name}" SET idle_session_timeout = '1min'`,
    `ALTER ROLE hasty IN DATABASE "${name}" SET lock_timeout = '2s'`,
  );
  const found = await findings("timeouts", role);
  expect(found).toMatchObject([
    {
      severity: "advisory",
      says: "idle_session_timeout: is 1 min 0 s for hasty",
      fix: `ALTER DATABASE "${name}" RESET idle_session_timeout`,
    },
    {
      severity: "advisory",
      says: "lock_timeout: is 2.0 s for hasty",
      fix: `ALTER ROLE "hasty" IN DATABASE "${name}" RESET lock_timeout`,
    },
    {
      severity: "advisory",
      says: "statement_timeout: is 30.0 s for hasty",
      fix: 'ALTER ROLE "hasty" RESET statement_timeout',
    },
  ]);
  for (const { fix } of found) await execute(session, fix);
  expect(await findings("timeouts", role)).toEqual([]);
  await execute(session, "DROP ROLE hasty");
});

test("read-only by default, and too few sessions, are found before they are met", async () => {
  const database = await company("limits");
  const { session, name } = database;
  const role = await asRole(database, "limited", "CONNECTION LIMIT 3");
  await execute(session, `ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
  const [readOnly] = await findings("read-only", role);
  expect(readOnly).toMatchObject({ severity: "blocking" });
  const [sessions] = await findings("connections", role);
  expect(sessions).toMatchObject({
    severity: "blocking",
    says: "limited: 3 of 3 sessions are left, and 7 are needed",
  });
  const administration = await openSession({ url: database.url });
  await execute(administration, "SET default_transaction_read_only = off");
  for (const found of [readOnly, sessions]) await execute(administration, found?.fix ?? "");
  expect(await findings("read-only", role)).toEqual([]);
  expect(await findings("connections", role)).toEqual([]);
  await execute(administration, `ALTER DATABASE "${name}" CONNECTION LIMIT 4`);
  const [limit] = await findings("connections", role);
  expect(limit?.says).toContain(`${name}: `);
  await execute(administration, limit?.fix ?? "");
  expect(await findings("connections", role)).toEqual([]);
  await execute(administration, "DROP ROLE limited");
  await administration.close();
});
