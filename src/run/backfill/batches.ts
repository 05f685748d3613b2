import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { stepFacts } from "../../events/events.ts";
import { fillBatch } from "../../journal/batch.ts";
import type { StepKey } from "../../journal/step-marks.ts";
import type { Queries, Session } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import type { BatchesStep } from "../../steps/model/step.ts";
import type { StepContext } from "../context.ts";
import { idleTimeout } from "../idle-timeout.ts";
import { interruptedError } from "../interruption.ts";
import { withLockRetry } from "../lock-retry.ts";
import { type BatchPace, paceByWaits } from "./batch-pace.ts";
import type { PageRange, PageRanges } from "./page-ranges.ts";

const firstBatchInPages = 16;
const largestBatchInPages = 4096;
/** Replication lag changes slowly, and each query for it is a round trip. */
const replicasEveryMilliseconds = 250;

/** A running backfill: what is left of it, and the rows written so far. */
export type Filling = {
  readonly step: BatchesStep;
  readonly key: StepKey;
  readonly ranges: PageRanges;
  readonly total: number;
  rows: number;
};

/**
 * Fills ranges of pages until none is left, on this session and on sessions that no other table uses at
 * the moment. The size of a batch follows the time that the last one took, because a writer may have to
 * wait that long for a row; batches are shorter while a writer waits. If triggers cannot be disabled,
 * one session backfills the table: what triggers of two sessions write could deadlock.
 * @throws the first failure, when every running batch has ended
 */
export async function fillSideBySide(context: StepContext, filling: Filling): Promise<void> {
  const { sessions } = context;
  const failed = new AbortController();
  const interrupted = AbortSignal.any([context.interrupted, failed.signal]);
  const failures: unknown[] = [];
  const working: Promise<void>[] = [];
  const backends = new Set<number>();
  const pace = paceByWaits(context, () => [...backends]);
  const fillOn = async (session: Session, limits: Limits): Promise<void> => {
    backends.add(session.backend);
    await fill({ ...context, session, interrupted }, filling, pace, limits);
    backends.delete(session.backend);
  };
  const begin = (work: Promise<void>) => {
    const fail = (error: unknown): void => {
      failures.push(error);
      failed.abort();
    };
    working.push(work.catch(fail));
  };
  const help = (): void => {
    if (!filling.step.silencesTriggers || !sessions.idle) return;
    const until = () => sessions.wanted;
    const helping = async (session: Session): Promise<void> => {
      // Its connection can have been lost when nobody used it.
      await session.reconnect();
      await fillOn(session, { until });
    };
    begin(sessions.lend(helping));
  };
  begin(fillOn(context.session, { before: help }));
  // `working` grows while it is awaited.
  for (let ended = 0; ended < working.length; ended += 1) await working[ended];
  await pace.stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** What is called before each batch, and whether to stop. */
type Limits = { readonly before?: () => void; readonly until?: () => boolean };

async function fill(
  context: StepContext,
  filling: Filling,
  pace: BatchPace,
  { before, until }: Limits,
): Promise<void> {
  const { lease, emit, interrupted } = context;
  const { step, ranges, total } = filling;
  const facts = stepFacts(step);
  let pages = firstBatchInPages;
  let askedAt = Number.NEGATIVE_INFINITY;
  while (until?.() !== true) {
    if (interrupted.aborted) throw interruptedError(step.id);
    lease.lost.throwIfAborted();
    before?.();
    const range = ranges.take(pages);
    if (range === undefined) return;
    const { rows, milliseconds } = await withLockRetry(context, step, () =>
      fillRange(context, filling, range),
    );
    pages = steer(pages, milliseconds, pace.milliseconds);
    ranges.finish(range);
    filling.rows += rows;
    emit({ kind: "step-progress", step: facts, done: ranges.done, total, rows: filling.rows });
    if (performance.now() - askedAt < replicasEveryMilliseconds) continue;
    await waitForReplicas(context, step);
    askedAt = performance.now();
  }
}

/**
 * One batch and the cursor, committed together. The server ends it when the client stops answering, as
 * in `setIdleTimeout`. Its COMMIT waits for the local disk, but for no replica: without the flush, the
 * next writer's COMMIT would have to write its log as well, a quarter of a second during a checkpoint.
 * Triggers are disabled where the role may do that.
 * @returns the rows, and for how long they were locked
 */
async function fillRange(
  { session, lease, online }: StepContext,
  { step, key, ranges }: Filling,
  range: PageRange,
): Promise<{ rows: number; milliseconds: number }> {
  let started = 0;
  const work = (queries: Queries): Promise<number> => {
    started = performance.now();
    const nextPage = ranges.cursorBehind(range);
    return fillBatch(queries, key, lease.token, { fill: withRange(step.up, range), nextPage });
  };
  const rows = await session.transaction(work, "read write", {
    idle_in_transaction_session_timeout: idleTimeout,
    // While it waits for a row that the application has locked, it keeps its other rows locked.
    lock_timeout: `${online.lockTimeoutInMilliseconds}ms`,
    synchronous_commit: "local",
    ...(step.silencesTriggers ? { session_replication_role: "replica" } : {}),
  });
  return { rows, milliseconds: performance.now() - started };
}

/** The statement for one range of pages: its two values are the ends of the range, as tid. */
function withRange(statement: Sql, { from, to }: PageRange): Sql {
  return { parts: statement.parts, values: [`(${from},0)`, `(${to},0)`] };
}

/** The next size: half to double the last one, towards the time that a batch should take. */
function steer(pages: number, milliseconds: number, target: number): number {
  const factor = Math.min(2, Math.max(0.5, target / Math.max(milliseconds, 1)));
  return Math.min(largestBatchInPages, Math.max(1, Math.round(pages * factor)));
}

/** Pauses while a replica is behind by more than the limit. */
async function waitForReplicas(context: StepContext, step: BatchesStep): Promise<void> {
  const limit = context.online.replicaLagLimitInMilliseconds;
  for (let attempt = 1; ; attempt += 1) {
    const lagging = await context.session.rows(
      sql`
        SELECT coalesce(NULLIF(application_name, ''), client_addr::text, 'a replica') AS replica,
               round(extract(epoch FROM replay_lag) * 1000) AS lag
          FROM pg_stat_replication
         WHERE replay_lag > make_interval(secs => ${limit / 1000})
         ORDER BY 1
      `,
      z.object({ replica: z.string(), lag: z.coerce.number() }),
    );
    if (lagging.length === 0) return;
    if (context.interrupted.aborted) throw interruptedError(step.id);
    context.emit({
      kind: "step-waiting",
      step: stepFacts(step),
      attempt,
      reason: lagging.map(({ replica, lag }) => `${replica} is ${lag} ms behind`).join("; "),
    });
    await sleep(500);
  }
}
