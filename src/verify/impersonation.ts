import pRetry from "p-retry";
import type { z } from "zod";
import {
  isLockConflict,
  type Queries,
  type RefusalSource,
  refusalSource,
  type Session,
  sqlState,
} from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { silenceTriggers } from "../steps/backfill.ts";

class Undo extends Error {}

/** Runs work in a transaction that is rolled back whatever comes of it. */
export async function thenUndo<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  let done: { result: Result } | undefined;
  try {
    await session.transaction(async (queries) => {
      // The application must never notice that it is being tried.
      await queries.execute(sql`SET LOCAL lock_timeout = '200ms'`);
      await queries.execute(sql`SET LOCAL statement_timeout = '10s'`);
      await queries.execute(sql`SET LOCAL idle_in_transaction_session_timeout = '5s'`);
      // Rows are moved between organizations, and their parents are not: a constraint that asks at
      // the end is not asked, since there is none.
      await queries.execute(sql`SET CONSTRAINTS ALL DEFERRED`);
      done = { result: await work(queries) };
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo) || done === undefined) throw error;
  }
  if (done === undefined) throw new Error("the transaction ended without its work");
  return done.result;
}

/** Tries work up to ten times, while somebody else's locks are in its way. */
export function untilUnlocked<Result>(work: (attempt: number) => Promise<Result>): Promise<Result> {
  return pRetry(work, {
    retries: 9,
    minTimeout: 100,
    maxTimeout: 1_500,
    factor: 1.6,
    randomize: true,
    shouldRetry: ({ error }) => isLockConflict(error),
  });
}

/** What came of a statement that may be refused; afterwards the transaction is as it was before. */
export type Attempt = { readonly kind: "done"; readonly rows: number } | Refused;

export type Refused = RefusalSource & {
  readonly kind: "refused";
  readonly sqlState: string;
  readonly message: string;
};

/**
 * Tries a statement within a savepoint, which is kept or undone. A lock that somebody else holds says
 * nothing of the fence: that is thrown, for all of it to be tried again.
 */
export function attempt(queries: Queries, statement: Sql): Promise<Attempt> {
  return inSavepoint(queries, async () => ({
    kind: "done",
    rows: await queries.execute(statement),
  }));
}

/** The same for a query whose rows are wanted. */
export function attemptRows<Row extends z.ZodType>(
  queries: Queries,
  statement: Sql,
  row: Row,
): Promise<Refused | { readonly kind: "done"; readonly rows: readonly z.output<Row>[] }> {
  return inSavepoint(queries, async () => ({
    kind: "done",
    rows: await queries.rows(statement, row),
  }));
}

async function inSavepoint<Done>(
  queries: Queries,
  work: () => Promise<Done>,
): Promise<Done | Refused> {
  await queries.execute(sql`SAVEPOINT attempt`);
  try {
    const done = await work();
    await queries.execute(sql`RELEASE SAVEPOINT attempt`);
    return done;
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined || isLockConflict(error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT attempt`);
    return {
      kind: "refused",
      sqlState: state,
      message: error instanceof Error ? error.message : String(error),
      ...refusalSource(error),
    };
  }
}

/**
 * Does work without firing the application's triggers and rules, where this role may silence them;
 * elsewhere they fire. Row-level security is asked either way.
 */
export async function silently<Result>(
  queries: Queries,
  work: () => Promise<Result>,
): Promise<Result> {
  await attempt(queries, silenceTriggers);
  const result = await work();
  await attempt(queries, sql`SET LOCAL session_replication_role TO DEFAULT`);
  return result;
}
