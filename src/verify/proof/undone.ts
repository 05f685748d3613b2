import pRetry from "p-retry";
import { isLockConflict, type Queries, type Session } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";

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
