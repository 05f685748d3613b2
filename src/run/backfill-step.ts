import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { JournaledStep } from "../journal/journal.ts";
import { holdLease } from "../journal/lease.ts";
import {
  markApplied,
  markRunning,
  moveCursor,
  type StepKey,
  startAtFirstPage,
} from "../journal/step-marks.ts";
import type { Session } from "../postgres/connection.ts";
import { ident, type Sql, sql } from "../postgres/sql.ts";
import { stepFacts } from "../report/events.ts";
import { silenceTriggers } from "../steps/backfill.ts";
import type { BatchesStep } from "../steps/step.ts";
import type { RunContext } from "./context.ts";
import { endIfFrozen } from "./frozen.ts";
import { interruptedError } from "./interruption.ts";
import { withPatience } from "./patience.ts";

const firstBatchInPages = 16;
const largestBatchInPages = 4096;

/**
 * Runs a statement over ranges of pages. Each batch is committed with its cursor, so that a killed
 * backfill goes on where it stopped; its size follows the time that the last one took, since that
 * is how long a writer may wait for a row. Where something rewrites the table meanwhile (VACUUM FULL,
 * CLUSTER), rows are on other pages, and it starts again.
 */
export async function runBatches(
  context: RunContext,
  step: BatchesStep,
  key: StepKey,
  journaled: JournaledStep,
): Promise<void> {
  const { session, lease } = context;
  let file = await fileOf(session, step);
  let page = journaled.fileNode === file.fileNode ? journaled.nextPage : 0;
  let rows = journaled.rowsWritten;
  for (;;) {
    await session.transaction(async (queries) => {
      await holdLease(queries, lease.token);
      await markRunning(queries, key);
      if (page === 0) await startAtFirstPage(queries, key, file);
    });
    // A column that was just added has no statistics; the planner would misjudge every batch.
    await session.execute(sql`ANALYZE ${ident(step.table)}`);
    const total = page === 0 ? file.totalPages : (journaled.totalPages ?? file.totalPages);
    rows = await runRange(context, step, key, { page, total, rows });
    const now = await fileOf(session, step);
    if (now.fileNode === file.fileNode) break;
    file = now;
    page = 0;
  }
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markApplied(queries, key);
  });
}

/** @returns the rows that were written by now */
async function runRange(
  context: RunContext,
  step: BatchesStep,
  key: StepKey,
  from: { readonly page: number; readonly total: number; readonly rows: number },
): Promise<number> {
  const { session, lease, online, emit, interrupted } = context;
  const { total } = from;
  let { page, rows } = from;
  let batch = firstBatchInPages;
  const facts = stepFacts(step);
  while (page < total) {
    if (interrupted.aborted) throw interruptedError(step.id);
    lease.lost.throwIfAborted();
    const next = Math.min(page + batch, total);
    const started = performance.now();
    const statement = withRange(step.up, page, next);
    const written = await withPatience(context, step, () =>
      session.transaction(async (queries) => {
        await endIfFrozen(queries);
        await holdLease(queries, lease.token);
        // Rows and cursor are lost together or not at all, and the step's own commit waits for all.
        await queries.execute(sql`SET LOCAL synchronous_commit = off`);
        if (step.silencesTriggers) await queries.execute(silenceTriggers);
        const count = await queries.execute(statement);
        await moveCursor(queries, key, next, count);
        return count;
      }),
    );
    batch = steer(batch, performance.now() - started, online.batchTargetInMilliseconds);
    page = next;
    rows += written;
    emit({ kind: "step-progress", step: facts, done: page, total, rows });
    await waitForReplicas(context, step);
  }
  return rows;
}

/** The statement for one range of pages: its two values are the range's ends, as tid. */
function withRange(statement: Sql, from: number, to: number): Sql {
  return { parts: statement.parts, values: [`(${from},0)`, `(${to},0)`] };
}

/** Half to double the last size, towards the time that a batch should take. */
function steer(pages: number, milliseconds: number, target: number): number {
  const factor = Math.min(2, Math.max(0.5, target / Math.max(milliseconds, 1)));
  return Math.min(largestBatchInPages, Math.max(1, Math.round(pages * factor)));
}

/** @throws AppError STATEMENT_FAILED when the table is gone */
async function fileOf(
  session: Session,
  step: BatchesStep,
): Promise<{ totalPages: number; fileNode: number }> {
  const [row] = await session.rows(
    sql`
      SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint AS "totalPages",
             pg_relation_filenode(c.oid)::bigint AS "fileNode"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${step.table.schema}
         AND c.relname = ${step.table.name}
    `,
    z.object({ totalPages: z.coerce.number(), fileNode: z.coerce.number() }),
  );
  if (row !== undefined) return row;
  throw new AppError({
    code: "STATEMENT_FAILED",
    object: step.id,
    fault: `the table ${step.table.name} is gone: somebody dropped or renamed it meanwhile`,
    state: "the steps before it are checkpointed",
    next: "bring the table back and tenantry run goes on, or tenantry rollback undoes the stage",
  });
}

/** Pauses while a replica is behind by more than the limit. */
async function waitForReplicas(context: RunContext, step: BatchesStep): Promise<void> {
  const limit = context.online.replicaLagLimitInMilliseconds;
  for (let attempt = 1; ; attempt += 1) {
    const lagging = await context.session.rows(
      sql`
        SELECT coalesce(NULLIF(application_name, ''), client_addr::text, 'a replica') AS replica,
               round(extract(epoch FROM replay_lag) * 1000) AS lag
          FROM pg_stat_replication
         WHERE replay_lag > make_interval(secs => ${limit / 1000})
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
