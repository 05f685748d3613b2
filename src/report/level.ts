import type { RunEvent } from "../events/events.ts";

/** How much is shown, from the least to the most. */
export const levels = ["quiet", "normal", "verbose", "debug"] as const;

export type Level = (typeof levels)[number];

/** Whether a level shows at least what another one shows. */
export function atLeast(level: Level, other: Level): boolean {
  return levels.indexOf(level) >= levels.indexOf(other);
}

/** Whether an event is for a level: quiet leaves results and what a person just did. */
export function isFor(level: Level, { kind }: RunEvent): boolean {
  if (kind === "statement") return level === "debug";
  return level !== "quiet" || kind === "stage-verified" || kind === "interrupted";
}
