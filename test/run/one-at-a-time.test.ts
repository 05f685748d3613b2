import { expect, test, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany, untilBackfilling } from "../setup/small-company.ts";

test("two runs at once: one works, the other says who does, and changes nothing", async () => {
  const { session, url } = await createDatabase("two runs at once");
  await makeSmallCompany(session, 20_000);
  const project = await makeProject(url, smallCompany);
  // The first has to wait for a lock of ours, for as long as we like.
  const report = await openSession({ url }, "nightly report");
  await report.execute(sql`BEGIN`);
  await report.execute(sql`LOCK TABLE leads IN ACCESS SHARE MODE`);
  const first = project.start("run", "--yes");
  const leases = sql`SELECT holder FROM tenantry.lease WHERE expires_at > now()`;
  await vi.waitFor(
    async () =>
      expect(await session.rows(leases, z.object({ holder: z.string() }))).toHaveLength(1),
    { timeout: 20_000, interval: 10 },
  );
  const second = await project.tenantry("run", "--yes");
  expect(second.code).toBe(4);
  expect(second.stderr).toContain("another run holds the lease");
  await report.execute(sql`ROLLBACK`);
  await report.close();
  expect((await first.ended).code).toBe(0);
});

test("a holder whose lease was taken over commits nothing more", async () => {
  const { session, url } = await createDatabase("lease taken over");
  await makeSmallCompany(session, 60_000);
  const project = await makeProject(url, smallCompany);
  const started = project.start("run", "--yes");
  await untilBackfilling(session);
  await session.execute(sql`UPDATE tenantry.lease SET token = token + 1`);
  const cursor = sql`SELECT next_page::integer AS page FROM tenantry.step WHERE id = 'day1/leads/backfill'`;
  const page = z.object({ page: z.number() });
  const taken = await session.rows(cursor, page);
  const outcome = await started.ended;
  expect(outcome.code).toBe(4);
  expect(outcome.stderr).toContain("LEASE_LOST");
  expect(await session.rows(cursor, page)).toEqual(taken);
});

test("SIGINT ends the statement under way, exits with 130, and run goes on", async () => {
  const { session, url } = await createDatabase("interrupted");
  await makeSmallCompany(session, 60_000);
  const project = await makeProject(url, smallCompany);
  const started = project.start("run", "--yes");
  await untilBackfilling(session);
  started.kill("SIGINT");
  const outcome = await started.ended;
  expect(outcome.stderr).toContain("run tenantry run again to continue");
  expect(outcome.code).toBe(130);
  const status = await project.tenantry("status");
  expect(status.stdout).toContain("day1/leads/backfill");
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
});

test("who blocks is named, the application never queues for long, and the stage undoes itself", async () => {
  const { session, url } = await createDatabase("blocked");
  await makeSmallCompany(session);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const project = await makeProject(url, {
    ...smallCompany,
    online: { smallTableInBytes: 0, lockTimeoutInMilliseconds: 300, lockAttempts: 3 },
  });
  const report = await openSession({ url }, "nightly report");
  await report.execute(sql`BEGIN`);
  await report.execute(sql`SELECT count(*) FROM leads`);
  const started = project.start("run", "--yes");
  // A writer, who may not wait longer than the lock timeout behind our ALTER TABLE.
  const waits: number[] = [];
  const writer = await openSession({ url }, "writer");
  let over = false;
  const writing = (async () => {
    while (!over) {
      const at = performance.now();
      await writer.execute(sql`UPDATE leads SET phone = phone WHERE id = 1`);
      waits.push(performance.now() - at);
    }
  })();
  const outcome = await started.ended;
  over = true;
  await writing;
  await writer.close();
  await report.execute(sql`ROLLBACK`);
  await report.close();
  expect(outcome.stderr).toContain("nightly report");
  expect(outcome.stderr).toContain("LOCK_NOT_GRANTED");
  expect(outcome.stderr).toContain("day1 was rolled back; the schema is as it was before it");
  expect(outcome.code).toBe(1);
  expect(Math.max(...waits)).toBeLessThan(1000);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});

test("a run whose every connection is lost midway connects again, and goes on", async () => {
  const { session, url } = await createDatabase("connection lost");
  await makeSmallCompany(session, 60_000);
  const project = await makeProject(url, smallCompany);
  const started = project.start("run", "--yes");
  await untilBackfilling(session);
  await session.execute(sql`
    SELECT pg_terminate_backend(pid)
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND application_name LIKE 'tenantry%'
       AND application_name <> 'tenantry tests'
  `);
  const outcome = await started.ended;
  expect([outcome.stderr, outcome.code]).toEqual([expect.stringContaining("trying again"), 0]);
});
