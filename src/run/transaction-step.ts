import { holdLease } from "../journal/lease.ts";
import { markApplied, type StepKey } from "../journal/step-marks.ts";
import { sql } from "../postgres/sql.ts";
import type { TransactionStep } from "../steps/model/step.ts";
import type { StepContext } from "./context.ts";
import { setIdleTimeout } from "./idle-timeout.ts";
import { withLockRetry } from "./lock-retry.ts";

/** The statements and their journal row in one transaction: both are there, or neither. */
export async function runInTransaction(
  context: StepContext,
  step: TransactionStep,
  key: StepKey,
): Promise<void> {
  const { session, lease, online, mutex } = context;
  const transaction = () =>
    session.transaction(async (queries) => {
      await setIdleTimeout(queries);
      // The journal first: the table's lock, which the application feels, is held for the DDL only.
      await holdLease(queries, lease.token);
      await markApplied(queries, key);
      await queries.execute(
        sql`SELECT set_config('lock_timeout', ${String(online.lockTimeoutInMilliseconds)}, TRUE)`,
      );
      for (const statement of step.up) await queries.execute(statement);
    });
  await withLockRetry(context, step, () => mutex.run(step.lock, transaction));
}
