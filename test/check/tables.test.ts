import { expect, test, vi } from "vitest";
import { openSession } from "../../src/postgres/connection.ts";
import { smallCompany } from "../setup/small-company.ts";
import { asRole, company, execute, findings } from "./server.ts";

test("what does not fit between configuration and database is found all at once", async () => {
  const { url, session } = await company("misfit");
  await execute(
    session,
    "CREATE TABLE forgotten (id int)",
    "CREATE TABLE child_of_settings () INHERITS (settings)",
    "CREATE TABLE organizations (id int)",
    "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_1 PARTITION OF parts DEFAULT",
    "CREATE TABLE far (id int) PARTITION BY RANGE (id)",
    "CREATE FOREIGN DATA WRAPPER far_wrapper",
    "CREATE SERVER far_server FOREIGN DATA WRAPPER far_wrapper",
    "CREATE FOREIGN TABLE far_1 PARTITION OF far DEFAULT SERVER far_server",
  );
  const config = {
    ...smallCompany,
    roles: { signedIn: "nobody_at_all" },
    day1: {
      tables: { ...smallCompany.day1.tables, parts_1: "default" as const, far: "default" as const },
    },
  };
  const found = await findings("configuration", { url }, { config });
  expect(found.map(({ severity, says }) => `${severity} ${says}`)).toEqual([
    "blocking roles.signedIn: the role nobody_at_all does not exist",
    "blocking day1.tables.parts_1: is a partition of parts",
    "blocking day1.tables.far: has the partition far_1, a foreign table: its rows are on another server, where indexes, constraints and policies of this database do not apply",
    "blocking day2.tables.settings: is part of an inheritance tree (INHERITS): indexes, foreign keys, triggers and policies do not apply to child tables",
    "blocking child_of_settings: is not named in the configuration",
    "blocking forgotten: is not named in the configuration",
    "blocking parts: is not named in the configuration",
    "blocking names.organizations: public.organizations exists already",
  ]);
});

test("a table without primary key, a via without index, an index that is not valid, a constraint that is NOT VALID", async () => {
  const { url, session } = await company("tables");
  await execute(
    session,
    "ALTER TABLE calls DROP CONSTRAINT calls_pkey",
    "DROP INDEX calls_lead",
    "ALTER TABLE settings ADD CONSTRAINT known CHECK (value <> '') NOT VALID",
    "INSERT INTO leads (person_id, phone) SELECT 1, 'twice' FROM generate_series(1, 2)",
  );
  await expect(
    execute(session, "CREATE UNIQUE INDEX CONCURRENTLY phones ON leads (phone)"),
  ).rejects.toThrow("could not create unique index");
  const look = async () =>
    Promise.all(
      ["primary-keys", "via-indexes", "invalid-indexes", "unvalidated-constraints"].map((id) =>
        findings(id, { url }),
      ),
    );
  const found = (await look()).flat();
  expect(found).toEqual([
    {
      severity: "advisory",
      says: "public.calls: has no primary key",
      fix: "ALTER TABLE public.calls ADD PRIMARY KEY (…) with the columns that identify a row",
    },
    {
      severity: "advisory",
      says: "calls: no index begins with lead_id",
      fix: 'CREATE INDEX CONCURRENTLY ON "public"."calls" ("lead_id")',
    },
    {
      severity: "advisory",
      says: "public.phones: an invalid index of leads",
      fix: "DROP INDEX CONCURRENTLY public.phones, or REINDEX INDEX CONCURRENTLY public.phones",
    },
    {
      severity: "advisory",
      says: "public.settings: its constraint known is NOT VALID",
      fix: "ALTER TABLE public.settings VALIDATE CONSTRAINT known",
    },
  ]);
  for (const { fix } of found) {
    await execute(
      session,
      fix.replace("(…) with the columns that identify a row", "(id)").split(", or ")[0] ?? "",
    );
  }
  expect((await look()).flat()).toEqual([]);
});

test("rows that lead to no organization are found before a stage fails at them", async () => {
  const { url, session } = await company("unattributed");
  await execute(session, "ALTER TABLE calls ALTER COLUMN lead_id DROP NOT NULL");
  expect(await findings("unattributed-rows", { url })).toEqual([]);
  await execute(session, "INSERT INTO calls (said) VALUES ('hello?')");
  expect(await findings("unattributed-rows", { url })).toEqual([
    {
      severity: "blocking",
      says: "calls: has rows whose lead_id is NULL",
      fix: 'set it (SELECT * FROM "public"."calls" AS record WHERE "lead_id" IS NULL), or set unattributed: "default" for the table',
    },
  ]);
  const calls = { via: "lead_id", unattributed: "default" as const };
  const config = {
    ...smallCompany,
    day1: { tables: { ...smallCompany.day1.tables, calls } },
  };
  expect(await findings("unattributed-rows", { url }, { config })).toEqual([]);
});

test("names that the plan gives its own are found where somebody else has them", async () => {
  const { url, session } = await company("names");
  await execute(
    session,
    "ALTER TABLE leads ADD COLUMN organization_id uuid",
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    'CREATE TRIGGER "~attribute_organization" BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION stamp()',
  );
  const found = await findings("existing-names", { url });
  expect(found.map(({ severity, says }) => `${severity} ${says}`)).toEqual([
    "blocking public.calls: already has a trigger ~attribute_organization",
    "advisory leads: already has a column organization_id; its values are kept",
  ]);
  await execute(
    session,
    found[0]?.fix ?? "",
    found[1]?.fix.split(" shows")[0] ?? "",
    "ALTER TABLE leads DROP COLUMN organization_id",
  );
  expect(await findings("existing-names", { url })).toEqual([]);
});

test("triggers that the backfill fires are named: where they cannot be silenced, and where none can", async () => {
  const database = await company("triggers");
  const { url, session } = database;
  await execute(
    session,
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER touched BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION stamp()",
  );
  expect(await findings("update-triggers", { url })).toEqual([]);
  const role = await asRole(database, "loud");
  const [loud] = await findings("update-triggers", role);
  expect(loud).toMatchObject({
    severity: "advisory",
    says: "public.leads: its trigger touched fires: loud is not allowed to set session_replication_role",
  });
  if (loud?.fix.startsWith("GRANT")) {
    await execute(session, loud.fix);
    expect(await findings("update-triggers", role)).toEqual([]);
    await execute(session, "REVOKE SET ON PARAMETER session_replication_role FROM loud");
  }
  await execute(session, "DROP ROLE loud", "ALTER TABLE leads ENABLE ALWAYS TRIGGER touched");
  const [always] = await findings("update-triggers", { url });
  expect(always?.says).toBe(
    "public.leads: its trigger touched fires even under session_replication_role = replica",
  );
  await execute(session, always?.fix.split(" makes")[0] ?? "");
  expect(await findings("update-triggers", { url })).toEqual([]);
});

test("an event trigger is named with its function and its owner", async () => {
  const { url, session } = await company("event triggers");
  await execute(
    session,
    "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch()",
  );
  const [found] = await findings("event-triggers", { url });
  expect(found).toMatchObject({
    severity: "advisory",
    says: "watcher: calls public.watch() on ddl_command_end; owner: postgres",
  });
  await execute(session, found?.fix.split("refuse a step: ")[1] ?? "");
  expect(await findings("event-triggers", { url })).toEqual([]);
});

test("a publication sends the backfill, and without a replica identity stops it", async () => {
  const { url, session } = await company("publications");
  await execute(
    session,
    "ALTER TABLE calls DROP CONSTRAINT calls_pkey",
    "CREATE PUBLICATION everything FOR TABLE leads, calls",
  );
  const found = await findings("publications", { url });
  expect(found).toMatchObject([
    {
      severity: "blocking",
      says: "public.calls: is published by everything without a replica identity",
    },
    { severity: "advisory", says: "public.leads: is published by everything" },
  ]);
  // As it would be met:
  await expect(execute(session, "UPDATE calls SET said = said")).rejects.toThrow(
    "replica identity",
  );
  await execute(session, found[0]?.fix.split(", or ")[0] ?? "");
  expect((await findings("publications", { url })).map(({ severity }) => severity)).toEqual([
    "advisory",
    "advisory",
  ]);
  await execute(session, "DROP PUBLICATION everything");
  expect(await findings("publications", { url })).toEqual([]);
});

test("a table that autovacuum leaves alone, and one that is vacuumed just now, are named", async () => {
  const { url, session } = await company("vacuum", 20_000);
  await execute(session, "ALTER TABLE leads SET (autovacuum_enabled = off)");
  const [off] = await findings("vacuum", { url });
  expect(off).toMatchObject({
    severity: "advisory",
    says: "public.leads: autovacuum is disabled",
  });
  await execute(session, off?.fix.split(";")[0] ?? "");
  expect(await findings("vacuum", { url })).toEqual([]);

  // Slowed down, so that it is still under way when it is asked for.
  const slow = await openSession({ url });
  await execute(slow, "SET vacuum_cost_delay = '100ms'", "SET vacuum_cost_limit = 1");
  const ended = execute(slow, "VACUUM (FREEZE) leads").then(
    () => "to its end",
    () => "cancelled",
  );
  const running = await vi.waitFor(
    async () => {
      const [one] = await findings("vacuum", { url });
      if (one === undefined) throw new Error("not yet");
      return one;
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(running.says).toBe(`public.leads: process ${slow.backend} is vacuuming it`);
  await execute(session, running.fix.replace("wait until it ends, or ", ""));
  expect(await ended).toBe("cancelled");
  expect(await findings("vacuum", { url })).toEqual([]);
  await slow.close();
});
