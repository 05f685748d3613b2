import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { askRepeatedly } from "../../repeatedly.ts";
import type { RunContext } from "../context.ts";

const lookEveryMilliseconds = 50;
/** Below that, what a batch costs besides its rows is most of it. */
const leastShare = 1 / 4;
/** From the least share it takes a second without waits to come back. */
const recovery = 1.07;

/** How long a batch should take now. */
export type BatchPace = {
  readonly milliseconds: number;
  /** @throws what kept it from looking, such as a lost connection */
  stop(): Promise<void>;
};

/**
 * Looks, while batches run, whether anybody waits for a row that one of them has locked: then the next
 * are half as long, down to a quarter of what is configured, and longer again while nobody waits.
 * @param backends the server processes that batches run in at the moment
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
      // A row's lock is its transaction's, and whoever waits for the row waits for that. Batches wait
      // for each other where they write to the journal.
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
