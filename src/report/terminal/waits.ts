import { formatDuration } from "../../number-formats.ts";

/** A step that waits is asked about several times a second: the same wait is said again after this long, another one earlier. */
const sameAfterMilliseconds = 60_000;
const otherAfterMilliseconds = 10_000;

type Wait = {
  /** What it waited for when this was last said, without its numbers: a lag or a duration changes all the time. */
  said: string;
  saidAt: number;
  count: number;
  readonly since: number;
};

/** The steps that wait, by id. */
export class Waits {
  readonly #waits = new Map<string, Wait>();

  /** Counts a report of a wait. @returns whether it is to be shown */
  isDue(step: string, reason: string, now: number): boolean {
    const said = reason.replaceAll(/\d+/g, "");
    const before = this.#waits.get(step);
    if (before === undefined) {
      this.#waits.set(step, { said, saidAt: now, count: 1, since: now });
      return true;
    }
    before.count += 1;
    const after = before.said === said ? sameAfterMilliseconds : otherAfterMilliseconds;
    if (now - before.saidAt < after) return false;
    before.said = said;
    before.saidAt = now;
    return true;
  }

  /** Ends a step's wait. @returns the sum of it in words, if not every report of it was shown */
  end(step: string, now: number): string | undefined {
    const wait = this.#waits.get(step);
    this.#waits.delete(step);
    if (wait === undefined || wait.count === 1) return undefined;
    return `waited ${formatDuration(now - wait.since)} (looked ${wait.count} times)`;
  }
}
