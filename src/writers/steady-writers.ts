import { setTimeout as sleep } from "node:timers/promises";
import type { Queries } from "../postgres/connection.ts";
import { ReopeningConnection } from "./reopening-connection.ts";
import { Tally, type WritesReport } from "./tally.ts";

export type Verb = "insert" | "update" | "delete";

/** One write of an application, to be made in a transaction of its own. */
export type TimedWrite = {
  /** As the report calls it. */
  readonly table: string;
  readonly verb: Verb;
  /** Who writes, where that is not the connection's own role. */
  readonly role: string | undefined;
  run(queries: Queries): Promise<void>;
};

/** A write to a row that is known, and no such row was found: somebody hid it or took it away. */
export class RowOutOfSight extends Error {}

export type Pace = { readonly writesPerSecond: number; readonly sessions: number };

export type SteadyWriters = {
  /** How things stand, while they go on. */
  report(): WritesReport;
  stop(): Promise<WritesReport>;
};

export const oldApplicationName = "old application";

/**
 * Starts sessions that write at a steady rate together, one write at a time each.
 * @param nextWrite what a session writes at its turn; undefined where it has nothing to write
 */
export function startWriters(
  url: string,
  { writesPerSecond, sessions }: Pace,
  nextWrite: (session: number, turn: number) => TimedWrite | undefined,
): SteadyWriters {
  const tally = new Tally();
  let stopping = false;
  const interval = (1000 * sessions) / writesPerSecond;
  const loops = Array.from({ length: sessions }, async (_, session) => {
    const connection = new ReopeningConnection(url, oldApplicationName);
    let due = performance.now() + (interval * session) / sessions;
    for (let turn = 0; !stopping; turn += 1) {
      await sleep(Math.max(0, due - performance.now()));
      // After a stall it goes on at its rate: it does not catch up.
      due = Math.max(due + interval, performance.now());
      const write = nextWrite(session, turn);
      if (write !== undefined) await tally.time(write, () => connection.transaction(write.run));
    }
    await connection.close();
  });
  const all = Promise.all(loops);
  return {
    report: () => tally.report(),
    async stop() {
      stopping = true;
      await all;
      return tally.report();
    },
  };
}
