import { z } from "zod";
import type { Listener } from "../../events/events.ts";
import { askRepeatedly } from "../../polling.ts";
import type { Session } from "../../postgres/connection.ts";
import type { Observer } from "../../postgres/observer.ts";
import { sql } from "../../postgres/sql.ts";
import { canPass } from "../../run/persevere.ts";

const lookEveryMilliseconds = 5_000;
/** An answer that is on its way for so long is lost. */
const answerWithinMilliseconds = 10_000;

/**
 * Looks at the server whether it still works on the statements whose answers are waited for. A network
 * can swallow a statement or its answer without closing the connection: then the connection is broken
 * here, and what was under way is done again on a new one.
 * @returns stop
 */
export function watchSessions(
  observer: Observer,
  working: ReadonlySet<Session>,
  emit: Listener,
): { stop(): Promise<void> } {
  /** The statements that were not worked on at the last look, by the time at which they were sent. */
  let missing = new Map<Session, number>();
  const look = async (): Promise<void> => {
    const waiting = [...working].flatMap((session) => {
      const { waitingSince: since, backend } = session;
      return since === undefined || performance.now() - since < answerWithinMilliseconds
        ? []
        : [{ session, since, backend }];
    });
    if (waiting.length === 0) return;
    const active = await activeAmong(
      observer,
      waiting.map(({ backend }) => backend),
    );
    const idle = waiting.filter(({ backend }) => !active.includes(backend));
    for (const { session, since } of idle) {
      if (missing.get(session) !== since || session.waitingSince !== since) continue;
      emit({
        kind: "notice",
        text: "a statement's answer is lost on the network: connecting again",
      });
      session.abandon();
    }
    missing = new Map(idle.map(({ session, since }) => [session, since]));
  };
  let observed = true;
  return askRepeatedly(lookEveryMilliseconds, async () => {
    try {
      if (!observed) await observer.reconnect();
      await look();
      observed = true;
    } catch (error) {
      // The network is away: it looks again when it is back.
      if (!canPass(error)) throw error;
      observed = false;
    }
  });
}

/** Those of these server processes that work on a statement. */
async function activeAmong(
  observer: Observer,
  backends: readonly number[],
): Promise<readonly number[]> {
  const rows = await observer.rows(
    sql`
      SELECT pid
        FROM pg_stat_activity
       WHERE pid = ANY (${backends.map(String)}::integer[])
         AND state IN ('active', 'fastpath function call')
    `,
    z.object({ pid: z.number() }),
  );
  return rows.map(({ pid }) => pid);
}
