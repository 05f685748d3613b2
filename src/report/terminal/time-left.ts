import { groupLanes, type Lane } from "../../steps/model/lanes.ts";

/** A step that is not done, and what is left of it. */
export type StepLeft = {
  readonly lane?: Lane;
  readonly running: boolean;
  readonly milliseconds: number;
};

/**
 * How long steps take, side by side as far as their lanes let them: each lane that is next goes where
 * one ends first, as they are run.
 * @param steps those left, in the order of their plan
 * @returns milliseconds
 */
export function timeLeft(steps: readonly StepLeft[], tablesAtOnce: number): number {
  let left = 0;
  for (const lanes of groupLanes(steps, ({ lane }) => lane)) {
    const free = Array.from({ length: tablesAtOnce }, () => 0);
    const ends = new Map<string, number>();
    const under = lanes.filter(({ items }) => items.some(({ running }) => running));
    const next = lanes.filter((lane) => !under.includes(lane));
    for (const { name, after, items } of [...under, ...next]) {
      const place = free.indexOf(Math.min(...free));
      const begins = Math.max(free[place] ?? 0, ...after.map((lane) => ends.get(lane) ?? 0));
      const end = items.reduce((sum, { milliseconds }) => sum + milliseconds, begins);
      free[place] = end;
      ends.set(name, end);
    }
    left += Math.max(...ends.values());
  }
  return left;
}
