import { z } from "zod";
import { askRepeatedly } from "../../polling.ts";
import { sql } from "../../postgres/sql.ts";
import type { RunContext } from "../context.ts";

const lookEveryMilliseconds = 50;
/** Shorter batches would cost more for their overhead than for their rows. */
const leastShare = 1 / 4;
/** From the least share to the full size takes a second without waits. */
const recovery = 1.07;

/** How long a batch should take now. */
export type BatchPace = {
  readonly milliseconds: number;
  /** @throws the error that stopped it, such as a lost connection */
  stop(): Promise<void>;
};

/**
 * Watches, while batches run, whether a session waits for a row that one of them has locked. Then the
 * next batches take half the time, down to a quarter of the configured one; without waits they get
 * longer again.
 * @param backends the server processes that run batches at the moment
 */
export function paceByWaits(
  { observer, online }: Pick<RunContext, "observer" | "online">,
  backends: () => readonly number[],
): BatchPace {
  const longest = online.batchTargetInMilliseconds;
  let milliseconds = longest;
  const look = async (): Promise<void> => {
    const ours = backends().map(String);
    const [seen] = await observer.rows(
      // To wait for a locked row is to wait for the transaction that locked it. Batches also wait for
      // each other, when they write to the journal.
      sql`
        SELECT EXISTS (
                 SELECT
                   FROM pg_locks waiting
                   JOIN pg_locks holding ON holding.transactionid = waiting.transactionid
                  WHERE waiting.locktype = 'transactionid'
                    AND NOT waiting.granted
                    AND holding.granted
                    AND holding.pid::text = ANY (${ours}::text[])
                    AND waiting.pid::text <> ALL (${ours}::text[])
               ) AS waits
      `,
      z.object({ waits: z.boolean() }),
    );
    milliseconds =
      seen?.waits === true
        ? Math.max(longest * leastShare, milliseconds / 2)
        : Math.min(longest, milliseconds * recovery);
  };
  const { stop } = askRepeatedly(lookEveryMilliseconds, look);
  return {
    get milliseconds() {
      return milliseconds;
    },
    stop,
  };
}
