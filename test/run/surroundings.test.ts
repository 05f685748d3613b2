import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { setIdleTimeout } from "../../src/run/idle-timeout.ts";
import { organizationId } from "../../src/steps/model/naming.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

async function company(name: string, leads = 300) {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, leads);
  return { ...database, project: await makeProject(database.url, smallCompany) };
}

async function organizationsOf(session: Session, phone: string): Promise<string[]> {
  const rows = await session.rows(
    sql`SELECT organization_id::text AS id FROM leads WHERE phone = ${phone}`,
    z.object({ id: z.string() }),
  );
  return rows.map(({ id }) => id);
}

test("an index of the application's that has the plan's name is a fault, and stays", async () => {
  const { session, project } = await company("taken index");
  await session.execute(sql`CREATE TABLE leads_old (id integer, phone text)`);
  await session.execute(sql`CREATE INDEX idx_leads_org_id ON leads_old (phone)`);
  await project.configure({
    ...smallCompany,
    exemptTables: { ...smallCompany.exemptTables, leads_old: "is of the past" },
  });
  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("needs the name idx_leads_org_id, which leads_old has taken");
  const index = sql`SELECT indexname FROM pg_indexes WHERE indexname = 'idx_leads_org_id'`;
  expect(await session.rows(index, z.unknown())).toHaveLength(1);
});

test("configured SQL finds its tables in a trigger as it does in the backfill, and may end in a comment", async () => {
  const { session, url, name, project } = await company("search path");
  await session.execute(sql`CREATE SCHEMA crm`);
  await session.execute(
    sql`CREATE TABLE crm.accounts AS SELECT id AS person_id, CASE WHEN id > 3 THEN 'alpha' ELSE 'default-org' END AS slug FROM person`,
  );
  await session.execute(sql`ALTER DATABASE ${ident(name)} SET search_path = crm, public`);
  await project.configure({
    ...smallCompany,
    users: { ...smallCompany.users, owners: "record.id IN (1, 8) -- the bosses" },
    exemptTables: { ...smallCompany.exemptTables, "crm.accounts": "who belongs where" },
    day1: {
      tables: {
        leads: {
          sql: "SELECT o.id FROM accounts a JOIN organizations o USING (slug) WHERE a.person_id = record.person_id -- by slug",
        },
        calls: { via: "lead_id" },
      },
    },
  });
  const outcome = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  const application = await openSession({ url });
  await application.execute(sql`INSERT INTO leads (person_id, phone) VALUES (5, 'later')`);
  await application.close();
  expect(await organizationsOf(session, "later")).toEqual([organizationId("alpha")]);
});

test("a column that has the name of a trigger's variable is no obstacle", async () => {
  const { session, project } = await company("tg op");
  await session.execute(sql`ALTER TABLE leads ADD COLUMN tg_op text`);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  await session.execute(sql`INSERT INTO leads (person_id, phone, tg_op) VALUES (5, 'later', 'x')`);
  expect(await organizationsOf(session, "later")).toEqual([organizationId("alpha")]);
});

test("a row belongs to whom the application's own trigger gives it", async () => {
  const { session, project } = await company("own trigger");
  await session.execute(
    sql`${raw(`CREATE FUNCTION set_person() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN NEW.person_id := coalesce(NEW.person_id, 5); RETURN NEW; END'`)}`,
  );
  await session.execute(
    sql`CREATE TRIGGER set_person BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION set_person()`,
  );
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  await session.execute(sql`INSERT INTO leads (phone) VALUES ('later')`);
  expect(await organizationsOf(session, "later")).toEqual([organizationId("alpha")]);
});

test("a backfill that was killed starts again where the table was rewritten meanwhile", async () => {
  const { session, project } = await company("rewritten", 30_000);
  const started = project.start("run", "--yes", "--stage", "day1");
  const written = sql`SELECT next_page AS page FROM tenantry.step WHERE id = 'day1/leads/backfill' AND next_page > 0 AND state = 'running'`;
  for (;;) {
    const there = await session.rows(
      sql`SELECT to_regclass('tenantry.step') IS NOT NULL AS there`,
      z.object({ there: z.boolean() }),
    );
    if (there[0]?.there === true && (await session.rows(written, z.unknown())).length > 0) break;
    await sleep(2);
  }
  started.kill("SIGKILL");
  await started.ended;
  await session.execute(sql`DELETE FROM calls WHERE lead_id % 3 = 0`);
  await session.execute(sql`DELETE FROM leads WHERE id % 3 = 0`);
  await session.execute(sql`VACUUM FULL leads`);
  const outcome = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
});

test("timeouts of the database are no obstacle to a build that waits, or to a long backup", async () => {
  const { url, name, session, project } = await company("timeouts");
  for (const setting of ["lock_timeout", "idle_session_timeout", "statement_timeout"]) {
    await session.execute(sql`ALTER DATABASE ${ident(name)} SET ${raw(setting)} = '300ms'`);
  }
  const older = await openSession({ url }, "an older transaction", {
    idle_session_timeout: "0",
    statement_timeout: "0",
  });
  const run = older.transaction(async (queries) => {
    await queries.execute(sql`SELECT count(*) FROM settings`);
    const started = project.start("run", "--yes", "--stage", "day1");
    await queries.execute(sql`SELECT pg_sleep(4)`);
    return { started };
  }, "read only snapshot");
  const outcome = await (await run).started.ended;
  await older.close();
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
});

test("the server ends a transaction that nobody goes on with, so that writers get their lock back", async () => {
  const { url, session } = await createDatabase("frozen");
  await session.execute(sql`CREATE TABLE leads (id integer)`);
  const frozen = await openSession({ url });
  await expect(
    frozen.transaction(async (queries) => {
      await setIdleTimeout(queries);
      await queries.execute(sql`LOCK TABLE leads IN ACCESS EXCLUSIVE MODE`);
      const started = performance.now();
      await session.execute(sql`INSERT INTO leads VALUES (1)`);
      expect(performance.now() - started).toBeLessThan(7000);
      await queries.execute(sql`SELECT 1`);
    }),
  ).rejects.toThrow();
  await frozen.close();
});
