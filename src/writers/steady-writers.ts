import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../postgres/connection.ts";
import { withSessions } from "../postgres/sessions.ts";
import { ReopeningConnection } from "./reopening-connection.ts";
import { Tally, type WritesReport } from "./tally.ts";
import type { TimedWrite } from "./timed-write.ts";

export type WriteRate = { readonly writesPerSecond: number; readonly sessions: number };

export type SteadyWriters = {
  /** The report so far, while they keep writing. */
  report(): WritesReport;
  stop(): Promise<WritesReport>;
};

export const oldApplicationName = "old application";

/**
 * Starts sessions that together write at a steady rate, each one write at a time.
 * @param nextWrite the next write of a session; undefined where it has none
 */
export function startWriters(
  target: Target,
  { writesPerSecond, sessions }: WriteRate,
  nextWrite: (session: number, turn: number) => TimedWrite | undefined,
): SteadyWriters {
  const tally = new Tally();
  let stopping = false;
  const interval = (1000 * sessions) / writesPerSecond;
  const write = async (session: number, connection: ReopeningConnection): Promise<void> => {
    let due = performance.now() + (interval * session) / sessions;
    for (let turn = 0; !stopping; turn += 1) {
      await sleep(Math.max(0, due - performance.now()));
      // After a stall it continues at its rate: it does not catch up.
      due = Math.max(due + interval, performance.now());
      const next = nextWrite(session, turn);
      if (next !== undefined) await tally.time(next, () => connection.transaction(next.run));
    }
  };
  const all = withSessions(async (open) => {
    const loops = Array.from({ length: sessions }, (_, session) =>
      write(session, new ReopeningConnection(() => open(target, oldApplicationName))),
    );
    await Promise.all(loops);
  });
  return {
    report: () => tally.report(),
    async stop() {
      stopping = true;
      await all;
      return tally.report();
    },
  };
}
