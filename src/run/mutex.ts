import { relationKey } from "../config/relation-name.ts";
import type { Lock } from "../steps/model/step.ts";

/**
 * A mutex for each relation that our transactions lock. Without it, a second transaction would hold its
 * own table, with the application's writers waiting behind it, while it waits on the server for the
 * organizations that the first one has locked.
 */
export class LockMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work once every earlier work on one of these relations has ended, also by failing. */
  run<Result>(lock: Lock, work: () => Promise<Result>): Promise<Result> {
    const keys = lock.level === "none" ? [] : lock.on.map(relationKey);
    // All relations are queued for at once, so that no two works deadlock.
    const before = keys.map((key) => this.#last.get(key));
    const result = Promise.allSettled(before).then(work);
    for (const key of keys) this.#last.set(key, result);
    return result;
  }
}
