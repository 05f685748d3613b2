import { holdLease } from "../journal/lease.ts";
import { markApplied, type StepKey } from "../journal/step-marks.ts";
import { sql } from "../postgres/sql.ts";
import type { TransactionStep } from "../steps/model/step.ts";
import type { StepContext } from "./context.ts";
import { setIdleTimeout } from "./idle-timeout.ts";
import { withLockRetry } from "./lock-retry.ts";

/** Runs the statements of a step and writes its row in the journal, in one transaction. */
export async function runInTransaction(
  context: StepContext,
  step: TransactionStep,
  key: StepKey,
): Promise<void> {
  const { session, lease, online, mutex } = context;
  const transaction = () =>
    session.transaction(async (queries) => {
      await setIdleTimeout(queries);
      // The journal first, so that the lock on the table is held for the DDL only.
      await holdLease(queries, lease.token);
      await markApplied(queries, key);
      await queries.execute(
        sql`SELECT set_config('lock_timeout', ${String(online.lockTimeoutInMilliseconds)}, TRUE)`,
      );
      for (const statement of step.up) await queries.execute(statement);
    });
  await withLockRetry(context, step, () => mutex.run(step.lock, transaction));
}
