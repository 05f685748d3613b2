import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { type Obstacle, proxyTo } from "../setup/proxy.ts";
import { makeSmallCompany, smallCompany, untilBackfilling } from "../setup/small-company.ts";

vi.setConfig({ testTimeout: 600_000 });

let database: TestDatabase;
let before: string;

// One company for all: each test leaves it as it was.
beforeAll(async () => {
  database = await makeDatabase("transient faults");
  await makeSmallCompany(database.session, 30_000);
  before = await fingerprint();
});
afterAll(() => database.drop());

async function fingerprint(): Promise<string> {
  return (await readSnapshot(database.session)).fingerprint.digest;
}

async function startingAnew(): Promise<void> {
  await database.session.execute(sql`DROP SCHEMA IF EXISTS tenantry CASCADE`);
}

async function placeOf(online: object = {}): Promise<{ project: Project; proxy: Obstacle }> {
  await startingAnew();
  const proxy = await proxyTo(database.url);
  const config = { ...smallCompany, online: { ...smallCompany.online, ...online } };
  return { project: await makeProject(proxy.url, config), proxy };
}

const day1 = ["run", "--yes", "--stage", "day1"] as const;

/** Sessions of a command that do the work, other than its lease and its observer. */
const workers = sql`
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name = 'tenantry'
`;

async function rollBackToTheStart(project: Project): Promise<void> {
  const back = await project.tenantry("rollback", "--yes");
  expect(back.code, back.stderr).toBe(0);
  expect(await fingerprint()).toBe(before);
}

test("a batch that somebody cancels, and sessions that somebody ends, cost a wait and not the stage", async () => {
  const { project } = await placeOf();
  const started = project.start(...day1);
  await untilBackfilling(database.session);
  for (let times = 0; times < 3; times += 1) {
    await database.session.execute(sql`SELECT pg_cancel_backend(pid) ${workers}`);
    await sleep(100);
  }
  await database.session.execute(sql`SELECT pg_terminate_backend(pid) ${workers}`);
  await sleep(1_000);
  await database.session.execute(sql`
    SELECT pg_terminate_backend(pid)
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND application_name LIKE 'tenantry%'
       AND application_name <> 'tenantry tests'
  `);
  const outcome = await started.ended;
  expect([outcome.stderr, outcome.code]).toEqual([expect.stringContaining("trying again"), 0]);
  await rollBackToTheStart(project);
});

test("a network that is away for some seconds costs a wait, in a run and in a rollback", async () => {
  const { project, proxy } = await placeOf();
  const away = async (): Promise<void> => {
    proxy.cut();
    await sleep(2_000);
    proxy.reopen();
  };
  const started = project.start(...day1);
  await untilBackfilling(database.session);
  await away();
  const outcome = await started.ended;
  expect(outcome.code, outcome.stderr).toBe(0);
  const back = project.start("rollback", "--yes");
  const undone = sql`SELECT id FROM tenantry.step WHERE state = 'undone'`;
  await vi.waitFor(
    async () =>
      expect((await database.session.rows(undone, z.unknown())).length).toBeGreaterThan(0),
    { timeout: 60_000, interval: 5 },
  );
  await away();
  const ended = await back.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(await fingerprint()).toBe(before);
});

test("a network that swallows everything without closing a connection costs a wait, and no warning of Node", async () => {
  const { project, proxy } = await placeOf();
  const started = project.start(...day1);
  await untilBackfilling(database.session);
  proxy.stall();
  const outcome = await started.ended;
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stderr).not.toMatch(/Warning|DEP0|\(node:/);
  await rollBackToTheStart(project);
});

test("a server that stays away ends the run after the time that is configured; run goes on when it is back", async () => {
  const { project, proxy } = await placeOf({ giveUpAfterInMilliseconds: 1_000 });
  const started = project.start(...day1);
  await untilBackfilling(database.session);
  proxy.cut();
  const outcome = await started.ended;
  proxy.reopen();
  expect([outcome.stderr, outcome.code]).toEqual([
    expect.stringMatching(/CONNECTION_(LOST|FAILED)/),
    1,
  ]);
  expect(outcome.stderr).not.toContain("rolled back");
  expect(await project.tenantry(...day1)).toMatchObject({ code: 0 });
  await rollBackToTheStart(project);
});

/** Somebody's transaction, which no ALTER TABLE passes. */
async function blocking(): Promise<{ session: Session; end(): Promise<void> }> {
  const session = await openSession({ url: database.url }, "nightly report");
  onTestFinished(() => session.close());
  await session.execute(sql`BEGIN`);
  await session.execute(sql`LOCK TABLE leads IN ACCESS SHARE MODE`);
  return { session, end: async () => void (await session.execute(sql`ROLLBACK`)) };
}

test.each([
  { told: [], configured: {}, becomes: "was rolled back", state: ["rolled back"] },
  {
    told: ["--on-failure", "stop"],
    configured: { onFailure: "rollback" },
    becomes: "the steps before it are checkpointed",
    state: ["running"],
  },
  {
    told: [],
    configured: { onFailure: "stop" },
    becomes: "the steps before it are checkpointed",
    state: ["running"],
  },
])(
  "with $told and $configured, a lock that is not granted in the configured time: $becomes",
  async ({ told, configured, becomes, state }) => {
    const online = { lockTimeoutInMilliseconds: 100, giveUpAfterInMilliseconds: 1_500 };
    const { project } = await placeOf({ ...online, ...configured });
    const report = await blocking();
    const failed = await project.tenantry(...day1, ...told);
    await report.end();
    expect([failed.stderr, failed.code]).toEqual([expect.stringContaining(becomes), 1]);
    expect(failed.stderr).toContain("LOCK_NOT_GRANTED");
    expect(failed.stderr).not.toContain("it resumes where it stopped");
    const runs = sql`SELECT state FROM tenantry.run ORDER BY id`;
    const found = await database.session.rows(runs, z.object({ state: z.string() }));
    expect(found.map((run) => run.state)).toEqual(state);
    if (state[0] === "running") await rollBackToTheStart(project);
    expect(await fingerprint()).toBe(before);
  },
);

test.each(["run", "rollback"])(
  "a rollback that stopped half way leaves a state from which %s goes on",
  async (command) => {
    const { project } = await placeOf();
    expect(await project.tenantry(...day1)).toMatchObject({ code: 0 });
    const applied = await fingerprint();
    await database.session.execute(
      sql`CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''% is frozen'', tg_tag; END'`,
    );
    await database.session.execute(
      sql`CREATE EVENT TRIGGER no_function_goes ON ddl_command_start WHEN TAG IN ('DROP FUNCTION') EXECUTE FUNCTION refuse()`,
    );
    const stuck = await project.tenantry("rollback", "--yes");
    expect([stuck.stderr, stuck.code]).toEqual([expect.stringContaining("is frozen"), 1]);
    expect(stuck.stderr).toContain("run tenantry rollback again to continue");
    expect(stuck.stderr).not.toContain("internal error");
    await database.session.execute(sql`DROP EVENT TRIGGER no_function_goes`);
    await database.session.execute(sql`DROP FUNCTION refuse()`);
    if (command === "run") {
      const outcome = await project.tenantry(...day1);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(await fingerprint()).toBe(applied);
    }
    await rollBackToTheStart(project);
  },
);
