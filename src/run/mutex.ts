import { relationKey } from "../config/relation-name.ts";
import type { Lock } from "../steps/model/step.ts";

/**
 * Lets our own transactions take turns on the relations that they lock: a second one would hold its
 * table, with the application's writers behind it, while it waits for the first one's organizations.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when whoever came before with one of these relations has ended, however. */
  take<Result>(lock: Lock, work: () => Promise<Result>): Promise<Result> {
    const keys = lock.level === "none" ? [] : lock.on.map(relationKey);
    // All are queued for at once, so no two wait for each other.
    const before = keys.map((key) => this.#last.get(key));
    const result = Promise.allSettled(before).then(work);
    for (const key of keys) this.#last.set(key, result);
    return result;
  }
}
