import pRetry from "p-retry";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type StepFacts, stepFacts } from "../events/events.ts";
import { isConnectionLoss, isLockConflict, sqlState } from "../postgres/connection.ts";
import type { Observer } from "../postgres/observer.ts";
import { sql } from "../postgres/sql.ts";
import { explainSqlState } from "../postgres/sql-states.ts";
import { askRepeatedly } from "../repeatedly.ts";
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
 * Runs work that may have to wait for a lock. PostgreSQL gives up after `lock_timeout`, so that the
 * application never queues behind us for longer; then it is tried again, later and later.
 * @throws AppError LOCK_NOT_GRANTED with who blocks, when all attempts are used up
 */
export async function withLockRetry<Result>(
  context: RunContext,
  step: Step,
  work: () => Promise<Result>,
): Promise<Result> {
  const facts = stepFacts(step);
  let blockers: readonly string[] = [];
  try {
    return await pRetry(
      async () => {
        let saidAt = 0;
        const watch = watchBlockers(context, (seen, milliseconds) => {
          blockers = seen;
          if (milliseconds - saidAt < patienceInMilliseconds) return;
          saidAt = milliseconds;
          context.emit({ kind: "step-waiting", step: facts, attempt: 1, reason: seen.join("; ") });
        });
        try {
          return await work();
        } finally {
          await watch.stop();
        }
      },
      {
        // A batch holds nothing while it pauses: it may wait for as long as others' transactions last.
        retries:
          step.mode === "batches" ? Number.POSITIVE_INFINITY : context.online.lockAttempts - 1,
        minTimeout: 100,
        maxTimeout: 3_000,
        factor: 1.6,
        randomize: true,
        signal: AbortSignal.any([context.interrupted, context.lease.lost]),
        shouldRetry: ({ error }) => isLockConflict(error),
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (!isLockConflict(error)) return;
          context.emit({
            kind: "step-waiting",
            step: facts,
            attempt: attemptNumber,
            reason: blockers.length > 0 ? blockers.join("; ") : "another transaction held its lock",
          });
        },
      },
    );
  } catch (error) {
    throw isLockConflict(error) ? lockNotGranted(context, facts, blockers, error) : error;
  }
}

/** A concurrent build may wait for as long as older transactions last: so often it is said. */
const patienceInMilliseconds = 1_500;

/** Asks, while the work waits, who it waits for: afterwards nobody could tell. */
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

/** Who keeps a backend waiting, in words. */
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
      `process ${pid} (${[user, application].filter(Boolean).join(", ")}), ${state ?? "state unknown"}, in its transaction for ${since ?? "an unknown time"}`,
  );
}

function lockNotGranted(
  { online }: RunContext,
  step: StepFacts,
  blockers: readonly string[],
  cause: unknown,
): AppError {
  return new AppError({
    code: "LOCK_NOT_GRANTED",
    object: step.id,
    fault: `its lock was not granted in ${online.lockAttempts} attempts of ${online.lockTimeoutInMilliseconds} ms`,
    state: "nothing of this step was changed; the steps before it are checkpointed",
    next: "end or wait for the transactions that hold the lock, then tenantry run again",
    details: blockers,
    cause,
  });
}

/** Turns whatever a step throws into an error that says what happened and what is next. */
export function stepError(step: Step, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (isConnectionLoss(error)) {
    return new AppError({
      code: "CONNECTION_LOST",
      object: step.id,
      fault: `the connection to the server was lost: ${messageOf(error)}`,
      state:
        "the steps before it are checkpointed; this one was rolled back by the server or goes on where it was",
      next: "run the same command again when the server answers",
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
    next: `${explainSqlState(state)?.next ?? "tenantry status shows where things stand"}; tenantry rollback undoes the stage`,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
