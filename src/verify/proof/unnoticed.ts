import pRetry from "p-retry";
import { isLockConflict, type Queries, type Session } from "../../postgres/connection.ts";
import { rolledBack } from "../../postgres/rolled-back.ts";
import { sql } from "../../postgres/sql.ts";

/**
 * Runs work in a transaction that is rolled back, with timeouts short enough that the application does
 * not notice it.
 */
export function inRolledBackTransaction<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  return rolledBack(session, async (queries) => {
    await queries.execute(sql`SET LOCAL lock_timeout = '200ms'`);
    await queries.execute(sql`SET LOCAL statement_timeout = '10s'`);
    await queries.execute(sql`SET LOCAL idle_in_transaction_session_timeout = '5s'`);
    // Rows are moved between organizations without their parents: a deferrable constraint would be
    // checked at COMMIT, which never comes.
    await queries.execute(sql`SET CONSTRAINTS ALL DEFERRED`);
    return work(queries);
  });
}

/** Tries work up to ten times, while other sessions hold locks that it needs. */
export function retryWhileLocked<Result>(
  work: (attempt: number) => Promise<Result>,
): Promise<Result> {
  return pRetry(work, {
    retries: 9,
    minTimeout: 100,
    maxTimeout: 1_500,
    factor: 1.6,
    randomize: true,
    shouldRetry: ({ error }) => isLockConflict(error),
  });
}
