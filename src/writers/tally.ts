import type { TimedWrite } from "./steady-writers.ts";

export type WritesReport = {
  /** All that were tried, failed ones too. */
  readonly writes: number;
  readonly failed: number;
  /** The first few messages. */
  readonly failures: readonly string[];
  readonly longestWaitInMilliseconds: number;
  readonly p99InMilliseconds: number;
  readonly medianInMilliseconds: number;
  readonly longestWaitInMillisecondsByTable: Readonly<Record<string, number>>;
  readonly insertedByTable: Readonly<Record<string, number>>;
  readonly deletedByTable: Readonly<Record<string, number>>;
};

const keptFailures = 5;

/** What was written, how long each write took, and what went wrong. */
export class Tally {
  readonly #waits: number[] = [];
  readonly #failures: string[] = [];
  readonly #longest = new Map<string, number>();
  readonly #inserted = new Map<string, number>();
  readonly #deleted = new Map<string, number>();
  #failed = 0;

  async time({ table, verb, role }: TimedWrite, work: () => Promise<void>): Promise<void> {
    const start = performance.now();
    try {
      await work();
      if (verb === "insert") this.#inserted.set(table, (this.#inserted.get(table) ?? 0) + 1);
      if (verb === "delete") this.#deleted.set(table, (this.#deleted.get(table) ?? 0) + 1);
    } catch (error) {
      this.#failed += 1;
      const message = error instanceof Error ? error.message : String(error);
      const who = role === undefined ? "" : ` as ${role}`;
      if (this.#failures.length < keptFailures) {
        this.#failures.push(`${verb} ${table}${who}: ${message}`);
      }
    } finally {
      const wait = performance.now() - start;
      this.#waits.push(wait);
      this.#longest.set(table, Math.max(wait, this.#longest.get(table) ?? 0));
    }
  }

  report(): WritesReport {
    const waits = this.#waits.toSorted((one, other) => one - other);
    return {
      writes: waits.length,
      failed: this.#failed,
      failures: [...this.#failures],
      longestWaitInMilliseconds: waits.at(-1) ?? 0,
      p99InMilliseconds: waits[Math.ceil(waits.length * 0.99) - 1] ?? 0,
      medianInMilliseconds: waits[Math.ceil(waits.length * 0.5) - 1] ?? 0,
      longestWaitInMillisecondsByTable: Object.fromEntries(this.#longest),
      insertedByTable: Object.fromEntries(this.#inserted),
      deletedByTable: Object.fromEntries(this.#deleted),
    };
  }
}
