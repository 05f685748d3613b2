import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { type Sql, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { expectNothingLeft, type Watched, watch } from "../setup/exits.ts";
import { serverOf } from "../setup/majors.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany, untilBackfilling } from "../setup/small-company.ts";

// A busy machine is no failure.
vi.setConfig({ testTimeout: 600_000 });

type Place = { readonly session: Session; readonly url: string; readonly project: Project };

/** A company on a server whose processes can be paused from here. */
async function placeOf(name: string, leads = 300): Promise<Place> {
  const { session, url } = await createDatabase(name, (await serverOf(15)).url);
  await makeSmallCompany(session, leads);
  const project = await makeProject(url, {
    ...smallCompany,
    // It waits for a lock for longer than it takes to notice.
    online: { ...smallCompany.online, lockAttempts: 100 },
  });
  return { session, url, project };
}

/** Somebody's transaction, which keeps a command waiting until it is ended. */
async function heldBy(url: string, ...statements: readonly Sql[]): Promise<() => Promise<void>> {
  const session = await openSession({ url }, "tenantry tests");
  onTestFinished(() => session.close());
  await session.execute(sql`BEGIN`);
  for (const statement of statements) await session.execute(statement);
  return async () => {
    await session.execute(sql`ROLLBACK`);
  };
}

const aLook = sql`LOCK TABLE leads IN ACCESS SHARE MODE`;

async function untilSeen(session: Session, query: Sql): Promise<void> {
  const row = z.object({ seen: z.boolean() });
  await vi.waitFor(async () => expect(await session.rows(query, row)).toEqual([{ seen: true }]), {
    timeout: 60_000,
    interval: 5,
  });
}

/** Until a session of the command itself waits for a lock. */
const waiting = sql`
  SELECT count(*) > 0 AS seen
    FROM pg_stat_activity
   WHERE datname = current_database()
     AND application_name = 'tenantry'
     AND wait_event_type = 'Lock'
`;

/** As another run does that takes the lease over. */
async function takeLeaseOver(session: Session): Promise<void> {
  expect(await session.execute(sql`UPDATE tenantry.lease SET token = token + 1`)).toBe(1);
}

async function expectToExit(
  { session }: Place,
  watched: Watched,
  expected: { readonly code: readonly number[]; readonly says: RegExp },
): Promise<void> {
  const outcome = await watched.ended;
  await expectNothingLeft(session, watched);
  expect([outcome.stderr, expected.code.includes(outcome.code)]).toEqual([
    expect.stringMatching(expected.says),
    true,
  ]);
  expect(outcome.stderr).toMatch(/^ {2}next: /m);
  expect(outcome.stderr).not.toMatch(/INTERNAL|Unhandled|^ {4}at /m);
}

const lost = { code: [4], says: /LEASE_LOST/ };

test("a run whose lease another has taken while it waits for a lock exits with 4, and can be run again", async () => {
  const place = await placeOf("lease ended at a lock");
  const release = await heldBy(place.url, aLook);
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  await untilSeen(place.session, waiting);
  await takeLeaseOver(place.session);
  await expectToExit(place, watched, lost);
  await release();
  expect(await place.project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({
    code: 0,
  });
});

test("so does one that is backing up", async () => {
  const place = await placeOf("lease ended in a backup");
  // It notices while it waits, at a step behind the backup.
  const release = await heldBy(place.url, aLook);
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  await untilSeen(
    place.session,
    sql`SELECT count(*) > 0 AS seen FROM pg_stat_activity WHERE application_name = 'tenantry backup'`,
  );
  await takeLeaseOver(place.session);
  await expectToExit(place, watched, lost);
  await release();
});

test("so does one that builds an index", async () => {
  const place = await placeOf("lease ended in an index build");
  // What an index build waits for, and nothing else does.
  const release = await heldBy(
    place.url,
    sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`,
    sql`SELECT txid_current()`,
  );
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  await untilSeen(
    place.session,
    sql`
      SELECT count(*) > 0 AS seen
        FROM pg_stat_progress_create_index
       WHERE datname = current_database()
         AND command = 'CREATE INDEX CONCURRENTLY'
    `,
  );
  await takeLeaseOver(place.session);
  // The build waits on, unless it is cancelled.
  await expectToExit(place, watched, lost);
  await release();
});

test("so does a rollback", async () => {
  const place = await placeOf("lease ended in a rollback");
  await place.project.tenantry("run", "--yes", "--stage", "day1");
  const release = await heldBy(place.url, aLook);
  const watched = watch(place.project, place.url, "rollback", "--yes");
  await untilSeen(place.session, waiting);
  await takeLeaseOver(place.session);
  await expectToExit(place, watched, lost);
  await release();
  expect(await place.project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
});

/** As if it had been paused for longer than a lease lasts. */
const expire = sql`UPDATE tenantry.lease SET expires_at = '-infinity'`;

test("a run that was paused while another took its lease over exits when it goes on", async () => {
  const place = await placeOf("paused run", 60_000);
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  await untilBackfilling(place.session);
  watched.kill("SIGSTOP");
  await place.session.execute(expire);
  // A transaction that the paused one has left open ends by itself, after seconds.
  await vi.waitFor(
    async () => {
      const other = await place.project.tenantry("run", "--yes", "--stage", "day1");
      expect(other).toMatchObject({ code: 0 });
    },
    { timeout: 120_000, interval: 1_000 },
  );
  watched.kill("SIGCONT");
  await expectToExit(place, watched, { code: [1, 4], says: /CONNECTION_LOST|LEASE_LOST/ });
});

test("so does a paused rollback", async () => {
  const place = await placeOf("paused rollback");
  await place.project.tenantry("run", "--yes", "--stage", "day1");
  const release = await heldBy(place.url, aLook);
  const watched = watch(place.project, place.url, "rollback", "--yes");
  await untilSeen(place.session, waiting);
  watched.kill("SIGSTOP");
  await release();
  await place.session.execute(expire);
  await vi.waitFor(
    async () => {
      const other = await place.project.tenantry("rollback", "--yes");
      expect(other).toMatchObject({ code: 0 });
    },
    { timeout: 120_000, interval: 1_000 },
  );
  watched.kill("SIGCONT");
  await expectToExit(place, watched, { code: [1, 4], says: /CONNECTION_LOST|LEASE_LOST/ });
});

test("a run whose lease's server process does not answer any more renews it on another connection", async () => {
  const place = await placeOf("lease frozen");
  const release = await heldBy(place.url, aLook);
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  await untilSeen(place.session, waiting);
  const [backend] = await place.session.rows(
    sql`SELECT pid FROM pg_stat_activity WHERE application_name = 'tenantry lease'`,
    z.object({ pid: z.number() }),
  );
  const pid = backend?.pid ?? 0;
  process.kill(pid, "SIGSTOP");
  const renewed = sql`SELECT backend <> ${pid} AS seen FROM tenantry.lease`;
  await untilSeen(place.session, renewed).finally(() => process.kill(pid, "SIGCONT"));
  await release();
  const outcome = await watched.ended;
  expect(outcome.code, outcome.stderr).toBe(0);
});

test("a restore in place whose lease another has taken meanwhile exits with 4, and no database is changed", async () => {
  const place = await placeOf("lease taken from a restore");
  const { session, project, url } = place;
  // Without a run there is no lease.
  await project.tenantry("run", "--yes", "--stage", "day1");
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
  const made = await project.tenantry("backup", "--json");
  const { folder } = z.object({ folder: z.string() }).parse(JSON.parse(made.stdout));
  const { pathname } = new URL(url);
  const database = pathname.slice(1);
  const restored = sql`
    SELECT count(*) > 0 AS seen FROM pg_database WHERE datname LIKE '%being_restored'
  `;
  const watched = watch(project, url, "restore", folder, "--in-place", "--confirm", database);
  await untilSeen(session, restored);
  await session.execute(sql`UPDATE tenantry.lease SET token = token + 1`);
  await expectToExit(place, watched, lost);
  const row = z.object({ seen: z.boolean() });
  expect(await session.rows(restored, row)).toEqual([{ seen: false }]);
});
