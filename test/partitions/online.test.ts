import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { startWriters } from "../../src/writers/steady-writers.ts";
import type { TimedWrite } from "../../src/writers/timed-write.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { expectDone, testTimeout, texts } from "../three-days/three-days.ts";
import { makePartitionedDialler, partitionedDialler } from "./dialler.ts";

/** Writes of the old application, all through the parent: into every partition, and across them. */
function oldWrites(session: number, turn: number): TimedWrite {
  const verb = (["insert", "update", "delete"] as const)[turn % 3] ?? "insert";
  const day = (session * 31 + turn * 7) % 100;
  return {
    table: "call_logs",
    verb,
    role: undefined,
    async run(queries: Queries) {
      switch (verb) {
        case "insert":
          await queries.execute(sql`
            INSERT INTO call_logs (at, direction, lead_id, said)
            VALUES (timestamptz '2026-01-01' + ${day} * interval '1 day',
                    ${turn % 2 === 0 ? "inbound" : "outbound"},
                    ${1 + (turn % 500)},
                    'written meanwhile')
          `);
          break;
        case "update":
          // To another partition.
          await queries.execute(sql`
            UPDATE call_logs
               SET at = timestamptz '2026-01-01 12:00' + ${(day + 31) % 100} * interval '1 day',
                   said = 'moved meanwhile'
             WHERE (id, at) IN (SELECT id, at
                                  FROM call_logs
                                 WHERE id % 100 = ${day}
                                 LIMIT 1
                                   FOR UPDATE SKIP LOCKED)
          `);
          break;
        case "delete":
          await queries.execute(sql`
            DELETE FROM call_logs
             WHERE id IN (SELECT id FROM call_logs WHERE said = 'written meanwhile' LIMIT 1 FOR UPDATE SKIP LOCKED)
          `);
          break;
        default:
          verb satisfies never;
      }
    },
  };
}

/** Calls that have no organization, or another one than their lead. */
async function strays(session: Session): Promise<string[]> {
  return texts(
    session,
    sql`
      SELECT c.tableoid::regclass || ' ' || c.id AS text
        FROM call_logs c
        JOIN leads l ON l.id = c.lead_id
       WHERE c.organization_id IS DISTINCT FROM l.organization_id
    `,
  );
}

/** How many partitions of the calls have a kind of step behind them. */
async function applied(session: Session, kind: string): Promise<number> {
  // The journal is made with the first run.
  const [journal] = await session.rows(
    sql`SELECT to_regclass('tenantry.step') IS NOT NULL AS there`,
    z.object({ there: z.boolean() }),
  );
  if (journal?.there !== true) return 0;
  const [row] = await session.rows(
    sql`
      SELECT count(*) AS count
        FROM tenantry.step
       WHERE id LIKE ${`day1/call_logs/%/${kind}`}
         AND state = 'applied'
    `,
    z.object({ count: z.coerce.number() }),
  );
  return row?.count ?? 0;
}

/** Starts the stage and kills it once so many partitions have a kind of step behind them. */
async function killedAfter(
  project: Project,
  session: Session,
  { kind, count }: { readonly kind: string; readonly count: number },
): Promise<void> {
  const run = project.start("run", "--stage", "day1", "--yes");
  const ended = run.ended.then(({ code, stderr }) => {
    throw new Error(`the stage was over (${code}) before it was killed: ${stderr}`);
  });
  const reached = async () => {
    while ((await applied(session, kind)) < count) await sleep(10);
  };
  await Promise.race([reached(), ended]);
  ended.catch(() => undefined);
  run.kill("SIGKILL");
  await run.ended;
}

test("partitions come and go under a stage that is killed between them, and no row is left behind", {
  timeout: testTimeout * 2,
}, async () => {
  const { session, url } = await createDatabase("partitions meanwhile");
  await makePartitionedDialler(session, 20_000);
  const project = await makeProject(url, partitionedDialler);
  const writers = startWriters({ url }, { writesPerSecond: 60, sessions: 3 }, oldWrites);
  try {
    await killedAfter(project, session, { kind: "index", count: 2 });
    // A month that the application's own job makes, one that retention drops, one that is attached
    // with rows that nobody gave an organization.
    await session.execute(sql`
      CREATE TABLE call_logs_2026_07 PARTITION OF call_logs
        FOR VALUES FROM ('2026-07-01') TO ('2026-08-01')
    `);
    await session.execute(sql`
      INSERT INTO call_logs (at, lead_id, said) VALUES ('2026-07-02', 9, 'in a new month')
    `);
    await killedAfter(project, session, { kind: "backfill", count: 1 });
    await session.execute(
      sql`CREATE TABLE call_logs_2026_08 (LIKE call_logs INCLUDING DEFAULTS INCLUDING INDEXES)`,
    );
    await session.execute(sql`
      INSERT INTO call_logs_2026_08 (id, at, lead_id, said)
      SELECT 1000000 + n, '2026-08-03', 1 + n % 500, 'attached' FROM generate_series(1, 50) AS n
    `);
    await session.execute(sql`
      ALTER TABLE call_logs ATTACH PARTITION call_logs_2026_08
        FOR VALUES FROM ('2026-08-01') TO ('2026-09-01')
    `);
    await session.execute(sql`ALTER TABLE call_logs DETACH PARTITION call_logs_2026_02`);
    await session.execute(sql`DROP TABLE call_logs_2026_02`);
    const outcome = await project.tenantry("run", "--stage", "day1", "--yes");
    expectDone(outcome);
    expect(`${outcome.stdout}${outcome.stderr}`).toContain(
      "skipped, because public.call_logs_2026_02 is not a partition of call_logs any more",
    );
  } finally {
    const report = await writers.stop();
    expect(report.failures).toEqual([]);
    expect(report.longestWaitInMilliseconds).toBeLessThan(3_000);
  }
  expect(await strays(session)).toEqual([]);
  expect(
    await texts(
      session,
      sql`
        SELECT i.indexrelid::regclass::text AS text
          FROM pg_index i
         WHERE i.indrelid IN (SELECT relid FROM pg_partition_tree('call_logs'))
           AND NOT i.indisvalid
      `,
    ),
  ).toEqual([]);
  // Each has one foreign key to the organizations: none is there twice.
  expect(
    await texts(
      session,
      sql`
        SELECT tree.relid::regclass || ' ' || count(k.oid) AS text
          FROM pg_partition_tree('call_logs') AS tree
          LEFT JOIN pg_constraint k ON k.conrelid = tree.relid
                                   AND k.contype = 'f'
                                   AND k.confrelid = 'organizations'::regclass
                                   AND k.convalidated
         GROUP BY tree.relid
        HAVING count(k.oid) <> 1
      `,
    ),
  ).toEqual([]);
});

test("a row that is moved to another partition while the backfill waits for it is no failure", {
  timeout: testTimeout,
}, async () => {
  const { session, url } = await createDatabase("rows moved meanwhile");
  await makePartitionedDialler(session, 20_000);
  const project = await makeProject(url, partitionedDialler);
  const run = project.start("run", "--stage", "day1", "--yes");
  let over = false;
  run.ended.then(
    () => {
      over = true;
    },
    () => undefined,
  );
  // Until the last lock on all of the table is given back.
  while (!over && (await applied(session, "attach-index")) < 6) await sleep(5);
  await session.transaction(async (queries) => {
    await queries.execute(sql`
      UPDATE call_logs
         SET at = at + interval '31 days'
       WHERE at < '2026-02-01'
         AND id % 3 = 0
    `);
    for (;;) {
      const waiting = await texts(
        queries,
        sql`SELECT query AS text FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))`,
      );
      if (over || waiting.length > 0) break;
      await sleep(20);
    }
  });
  expectDone(await run.ended);
  expect(await strays(session)).toEqual([]);
});

test("a partition whose fence is broken, or that is new and has none, fails the proof by name", {
  timeout: testTimeout,
}, async () => {
  const { session, url } = await createDatabase("partitions unfenced");
  await makePartitionedDialler(session, 300);
  const project = await makeProject(url, partitionedDialler);
  expectDone(await project.tenantry("run", "--stage", "day1", "--yes"));

  const leaf = { schema: "archive", name: "call_logs_2026_03_inbound" };
  await session.execute(sql`ALTER TABLE ${ident(leaf)} DISABLE ROW LEVEL SECURITY`);
  const broken = await project.tenantry("--stage", "day1", "--verify");
  expect(broken.code).toBe(3);
  expect(broken.stderr).toContain(
    "partitioned_dialler_app can reach the partition archive.call_logs_2026_03_inbound, which has no fence",
  );
  expect(broken.stderr).toMatch(/archive\.call_logs_2026_03_inbound as member .*\n +sees \d+ rows/);
  await session.execute(sql`ALTER TABLE ${ident(leaf)} ENABLE ROW LEVEL SECURITY`);
  expectDone(await project.tenantry("--stage", "day1", "--verify"));

  await session.execute(sql`
    CREATE TABLE call_logs_2026_07 PARTITION OF call_logs
      FOR VALUES FROM ('2026-07-01') TO ('2026-08-01')
  `);
  // Nobody can reach it by its name: it needs no fence.
  expectDone(await project.tenantry("--stage", "day1", "--verify"));
  await session.execute(sql`GRANT SELECT, INSERT ON call_logs_2026_07 TO partitioned_dialler_app`);
  // Another has row-level security of its own, and keeps it.
  for (const statement of [
    "CREATE TABLE call_logs_2026_08 (LIKE call_logs INCLUDING ALL)",
    "ALTER TABLE call_logs_2026_08 ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY of_its_own ON call_logs_2026_08 USING (TRUE)",
    "ALTER TABLE call_logs ATTACH PARTITION call_logs_2026_08 FOR VALUES FROM ('2026-08-01') TO ('2026-09-01')",
    "GRANT SELECT, INSERT ON call_logs_2026_08 TO partitioned_dialler_app",
  ]) {
    await session.execute(raw(statement));
  }
  expect((await project.tenantry("--stage", "day1", "--verify")).code).toBe(3);
  const { stdout } = await project.tenantry("audit");
  expect(stdout).not.toContain("call_logs_2026_07 is not named");
  const fix = /→ (BEGIN; DROP POLICY .*call_logs_2026_07.*;)$/m.exec(stdout)?.[1] ?? "";
  await session.execute({ parts: [fix], values: [] });
  const guarded = /→ (BEGIN; DROP POLICY .*call_logs_2026_08.*;)$/m.exec(stdout)?.[1] ?? "";
  expect(guarded).not.toContain("ENABLE ROW LEVEL SECURITY");
  await session.execute(raw(guarded));
  expectDone(await project.tenantry("--stage", "day1", "--verify"));
  // What fixed it is undone too: its policy would keep the column from being dropped.
  await project.tenantry("rollback", "--yes");
  expect(
    await texts(
      session,
      sql`
        SELECT attrelid::regclass::text AS text
          FROM pg_attribute
         WHERE attname = 'organization_id'
           AND attrelid IN (SELECT relid FROM pg_partition_tree('call_logs'))
           AND NOT attisdropped
         UNION ALL
        SELECT polname FROM pg_policy
         UNION ALL
        SELECT relname FROM pg_class WHERE relrowsecurity AND relname LIKE 'call%'
      `,
    ),
  ).toEqual(["of_its_own", "call_logs_2026_08"]);
});
