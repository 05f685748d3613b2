import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

test("a batch that waits for one row keeps nobody from the others, and waits for as long as it takes", async () => {
  const { session, url } = await createDatabase("held row");
  await makeSmallCompany(session, 300);
  // It fires for the backfill too, whose 200th row waits as if a transaction held it.
  await session.execute(sql`
    CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      rows integer := coalesce(nullif(current_setting('held.rows', true), ''), '0')::integer + 1;
    BEGIN
      PERFORM set_config('held.rows', rows::text, true);
      IF rows = 200 THEN
        PERFORM pg_advisory_xact_lock(200);
      END IF;
      RETURN NEW;
    END $$
  `);
  await session.execute(sql`
    CREATE TRIGGER hold_up BEFORE UPDATE ON leads
    FOR EACH ROW EXECUTE FUNCTION hold_up()
  `);
  await session.execute(sql`ALTER TABLE leads ENABLE ALWAYS TRIGGER hold_up`);
  const holder = await openSession({ url }, "holder");
  await holder.execute(sql`SELECT pg_advisory_lock(200)`);
  const online = { ...smallCompany.online, lockTimeoutInMilliseconds: 100, lockAttempts: 2 };
  const project = await makeProject(url, { ...smallCompany, online });
  const started = project.start("run", "--yes", "--stage", "day1");
  const waiting = sql`
    SELECT pid
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND wait_event = 'advisory'
  `;
  for (let times = 0; times < 4; times += 1) {
    await vi.waitFor(
      async () => expect(await session.rows(waiting, z.unknown())).not.toHaveLength(0),
      { timeout: 30_000, interval: 5 },
    );
    const asked = performance.now();
    await session.execute(sql`UPDATE leads SET phone = phone WHERE id <= 50`);
    expect(performance.now() - asked).toBeLessThan(3_000);
  }
  await holder.close();
  const outcome = await started.ended;
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
}, 60_000);
