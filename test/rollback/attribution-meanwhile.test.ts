import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { organizationId } from "../../src/steps/model/naming.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const byDefault = organizationId("default-org");

async function applied(name: string, leads: number) {
  const { session, url } = await createDatabase(name);
  await makeSmallCompany(session, leads);
  const project = await makeProject(url, smallCompany);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  return { session, url, project };
}

async function runAgain(project: Project): Promise<readonly string[]> {
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
  const names = await readdir(path.join(project.folder, "backups"));
  const kept = names.find((one) => one.endsWith("-attribution")) ?? "";
  return ["run", "--yes", "--stage", "day1", "--attribution", path.join("backups", kept)];
}

async function organizationsOf(session: Session): Promise<unknown> {
  return session.rows(
    sql`SELECT id::integer, organization_id::text AS organization FROM leads ORDER BY id`,
    z.object({ id: z.number(), organization: z.string() }),
  );
}

test("rows that were all the default organization's go back to it, whatever their source says", async () => {
  const { session, project } = await applied("all by default", 80);
  // Persons from 4 on belong to Alpha, and what they wrote was moved.
  await session.execute(sql`UPDATE calls SET organization_id = ${byDefault}`);
  await session.execute(sql`UPDATE leads SET organization_id = ${byDefault}`);
  const before = await organizationsOf(session);
  const again = await project.tenantry(...(await runAgain(project)));
  expect(again, again.stderr).toMatchObject({ code: 0 });
  expect(await organizationsOf(session)).toEqual(before);
});

test("rows that are written while others are given back get what was kept for them, too", async () => {
  const { session, url, project } = await applied("kept and busy", 8000);
  await session.execute(sql`UPDATE calls SET organization_id = ${byDefault} WHERE lead_id > 4000`);
  await session.execute(sql`UPDATE leads SET organization_id = ${byDefault} WHERE id > 4000`);
  const before = await organizationsOf(session);
  const arguments_ = await runAgain(project);
  // A trigger that fires for the backfill too holds up a row in the middle: what is behind it waits.
  await session.execute(sql`
    CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(4500); RETURN NEW; END'
  `);
  await session.execute(sql`
    CREATE TRIGGER hold_up BEFORE UPDATE ON leads
    FOR EACH ROW WHEN (NEW.id = 4500) EXECUTE FUNCTION hold_up()
  `);
  await session.execute(sql`ALTER TABLE leads ENABLE ALWAYS TRIGGER hold_up`);
  const busy = await openSession({ url }, "application");
  await busy.execute(sql`SELECT pg_advisory_lock(4500)`);
  const started = project.start(...arguments_);
  const waiting = sql`
    SELECT pid
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND wait_event_type = 'Lock'
       AND query LIKE '%kept_organization%'
  `;
  await vi.waitFor(
    async () => expect(await session.rows(waiting, z.unknown())).not.toHaveLength(0),
    { timeout: 30_000, interval: 5 },
  );
  // Their new versions are behind the last page that the ranges go to.
  await session.execute(sql`UPDATE leads SET phone = phone WHERE id > 7500`);
  await busy.execute(sql`SELECT pg_advisory_unlock(4500)`);
  await busy.close();
  const outcome = await started.ended;
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(await organizationsOf(session)).toEqual(before);
});
