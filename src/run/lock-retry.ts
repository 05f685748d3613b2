import pRetry from "p-retry";
import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { type StepFacts, stepFacts } from "../events/events.ts";
import { askRepeatedly } from "../polling.ts";
import {
  explainRefusal,
  isConnectionLoss,
  isLockConflict,
  sqlState,
} from "../postgres/connection.ts";
import type { Observer } from "../postgres/observer.ts";
import { sql } from "../postgres/sql.ts";
import type { Step } from "../steps/model/step.ts";
import type { RunContext } from "./context.ts";

const blockerSchema = z.object({
  pid: z.number(),
  user: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  since: z.string().nullable(),
});

/**
 * Runs work that may have to wait for a lock. PostgreSQL cancels it after `lock_timeout`, so that the
 * application never waits behind it for longer; then it is retried, with growing pauses.
 * @throws AppError LOCK_NOT_GRANTED with the blocking sessions, after the last attempt
 */
export async function withLockRetry<Result>(
  context: RunContext,
  step: Step,
  work: () => Promise<Result>,
): Promise<Result> {
  const { lockAttempts, giveUpAfterInMilliseconds } = context.online;
  const facts = stepFacts(step);
  const began = performance.now();
  let blockers: readonly string[] = [];
  let attempts = 0;
  // A batch holds no locks between attempts: it may wait as long as others' transactions last.
  const patient = (): boolean =>
    step.mode === "batches" ||
    (attempts < (lockAttempts ?? Number.POSITIVE_INFINITY) &&
      performance.now() - began < giveUpAfterInMilliseconds);
  try {
    return await pRetry(
      async () => {
        let reportedAt = 0;
        const watch = watchBlockers(context, (seen, milliseconds) => {
          blockers = seen;
          if (milliseconds - reportedAt < reportEveryMilliseconds) return;
          reportedAt = milliseconds;
          context.emit({ kind: "step-waiting", step: facts, attempt: 1, reason: seen.join("; ") });
        });
        try {
          return await work();
        } finally {
          await watch.stop();
        }
      },
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 100,
        maxTimeout: 3_000,
        factor: 1.6,
        randomize: true,
        signal: AbortSignal.any([context.interrupted, context.lease.lost]),
        shouldRetry: ({ error }) => isLockConflict(error) && patient(),
        onFailedAttempt: ({ error, attemptNumber }) => {
          attempts = attemptNumber;
          if (!isLockConflict(error)) return;
          context.emit({
            kind: "step-waiting",
            step: facts,
            attempt: attemptNumber,
            reason:
              blockers.length > 0
                ? blockers.join("; ")
                : "another transaction holds a conflicting lock",
          });
        },
      },
    );
  } catch (error) {
    throw isLockConflict(error)
      ? lockNotGranted(context, facts, { attempts, blockers }, error)
      : error;
  }
}

/** A concurrent build may wait for older transactions for hours: the blockers are reported this often. */
const reportEveryMilliseconds = 1_500;

/** Asks, while the work waits, which sessions block it: afterwards that cannot be found out. */
function watchBlockers(
  { observer, session }: Pick<RunContext, "observer" | "session">,
  seen: (blockers: readonly string[], milliseconds: number) => void,
): { stop(): Promise<void> } {
  const started = performance.now();
  return askRepeatedly(120, async () => {
    const blockers = await blockersOf(observer, session.backend);
    if (blockers.length > 0) seen(blockers, performance.now() - started);
  });
}

/** The sessions that block a backend, in words. */
async function blockersOf(observer: Observer, backend: number): Promise<string[]> {
  const rows = await observer.rows(
    sql`
      SELECT a.pid,
             a.usename::text AS "user",
             a.application_name AS application,
             a.state,
             to_char(clock_timestamp() - a.xact_start, 'HH24:MI:SS') AS since
        FROM unnest(pg_blocking_pids(${backend})) AS blocker (pid)
        JOIN pg_stat_activity a ON a.pid = blocker.pid
    `,
    blockerSchema,
  );
  return rows.map(
    ({ pid, user, application, state, since }) =>
      `blocked by process ${pid} (${[user, application].filter(Boolean).join(", ")}), ${state ?? "state unknown"}, in a transaction for ${since ?? "an unknown time"}`,
  );
}

function lockNotGranted(
  { online }: RunContext,
  step: StepFacts,
  { attempts, blockers }: { readonly attempts: number; readonly blockers: readonly string[] },
  cause: unknown,
): AppError {
  return new AppError({
    code: "LOCK_NOT_GRANTED",
    object: step.id,
    fault: `its lock was not granted in ${attempts} attempts of ${online.lockTimeoutInMilliseconds} ms each`,
    state: "this step changed nothing; the steps before it are checkpointed",
    next: "wait for the transactions that hold the lock, or end them, then run tenantry run again",
    details: blockers,
    cause,
  });
}

/** The error of a step as an AppError, where it is of the server or the connection. */
export function stepError(step: Pick<Step, "id">, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (isConnectionLoss(error)) {
    return new AppError({
      code: "CONNECTION_LOST",
      object: step.id,
      fault: `the connection to the server was lost: ${messageOf(error)}`,
      state:
        "the steps before it are checkpointed; the server rolled this one back, or a backfill keeps its cursor",
      next: "when the server answers again, run the same command again",
      cause: error,
    });
  }
  const state = sqlState(error);
  if (state === undefined) return error;
  return new AppError({
    code: "STATEMENT_FAILED",
    object: step.id,
    fault: `${messageOf(error)} (SQLSTATE ${state})`,
    state: "this step was rolled back; the steps before it are checkpointed",
    next: `${explainRefusal(error)?.next ?? "tenantry status shows what is applied"}; tenantry rollback undoes the stage`,
    cause: error,
  });
}
