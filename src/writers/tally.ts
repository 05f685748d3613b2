import { messageOf } from "../errors.ts";
import type { TimedWrite } from "./timed-write.ts";

export type WritesReport = {
  /** All attempts, including failed ones. */
  readonly writes: number;
  readonly failed: number;
  /** The first few messages. */
  readonly failures: readonly string[];
  readonly longestWaitInMilliseconds: number;
  /** The longest time that all writes of one kind failed: from the first failure to the next success. */
  readonly longestOutageInMilliseconds: number;
  readonly p99InMilliseconds: number;
  readonly medianInMilliseconds: number;
  readonly longestWaitInMillisecondsByTable: Readonly<Record<string, number>>;
  readonly insertedByTable: Readonly<Record<string, number>>;
  readonly deletedByTable: Readonly<Record<string, number>>;
};

const keptFailures = 5;

/** Counts writes, their times and their failures. */
export class Tally {
  readonly #waits: number[] = [];
  readonly #failures: string[] = [];
  readonly #longest = new Map<string, number>();
  readonly #inserted = new Map<string, number>();
  readonly #deleted = new Map<string, number>();
  /** When writes of a kind began to fail. */
  readonly #failingSince = new Map<string, number>();
  #longestOutage = 0;
  #failed = 0;

  async time({ table, verb, role }: TimedWrite, work: () => Promise<void>): Promise<void> {
    const start = performance.now();
    const kind = `${verb} ${table} ${role ?? ""}`;
    try {
      await work();
      this.#longestOutage = Math.max(this.#longestOutage, this.#outageOf(kind));
      this.#failingSince.delete(kind);
      if (verb === "insert") this.#inserted.set(table, (this.#inserted.get(table) ?? 0) + 1);
      if (verb === "delete") this.#deleted.set(table, (this.#deleted.get(table) ?? 0) + 1);
    } catch (error) {
      this.#failed += 1;
      if (!this.#failingSince.has(kind)) this.#failingSince.set(kind, start);
      const who = role === undefined ? "" : ` as ${role}`;
      if (this.#failures.length < keptFailures) {
        this.#failures.push(`${verb} ${table}${who}: ${messageOf(error)}`);
      }
    } finally {
      const wait = performance.now() - start;
      this.#waits.push(wait);
      this.#longest.set(table, Math.max(wait, this.#longest.get(table) ?? 0));
    }
  }

  #outageOf(kind: string): number {
    const since = this.#failingSince.get(kind);
    return since === undefined ? 0 : performance.now() - since;
  }

  report(): WritesReport {
    const waits = this.#waits.toSorted((one, other) => one - other);
    return {
      writes: waits.length,
      failed: this.#failed,
      failures: [...this.#failures],
      longestWaitInMilliseconds: waits.at(-1) ?? 0,
      longestOutageInMilliseconds: Math.max(
        this.#longestOutage,
        ...[...this.#failingSince.keys()].map((kind) => this.#outageOf(kind)),
      ),
      p99InMilliseconds: waits[Math.ceil(waits.length * 0.99) - 1] ?? 0,
      medianInMilliseconds: waits[Math.ceil(waits.length * 0.5) - 1] ?? 0,
      longestWaitInMillisecondsByTable: Object.fromEntries(this.#longest),
      insertedByTable: Object.fromEntries(this.#inserted),
      deletedByTable: Object.fromEntries(this.#deleted),
    };
  }
}
