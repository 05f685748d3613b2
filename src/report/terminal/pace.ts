import { formatCount, formatDuration, formatShare } from "../../units.ts";

type Position = { readonly done: number; readonly total: number; readonly rows: number };

/** How far a backfill is, and since when it was looked at. */
export type Pace = Position & {
  /** A backfill that goes on where it stopped had all before this already. */
  readonly first: Position & { readonly at: number };
  readonly at: number;
};

/** The pace with a further position, at a time in milliseconds. */
export function beginPace(
  pace: Pace | undefined,
  { done, total, rows }: Position,
  at: number,
): Pace {
  return { done, total, rows, at, first: pace?.first ?? { done, total, rows, at } };
}

/** Rows a second since it was first looked at, or undefined as long as nobody can tell. */
export function rowsPerSecond({ first, rows, at }: Pace): number | undefined {
  return at - first.at < 500 ? undefined : (1000 * (rows - first.rows)) / (at - first.at);
}

/** Milliseconds until all pages are done, or undefined as long as nobody can tell. */
export function millisecondsLeft({ first, done, total, at }: Pace): number | undefined {
  if (at - first.at < 500 || done <= first.done) return undefined;
  return ((at - first.at) / (done - first.done)) * (total - done);
}

/** What is to be said of a pace, the most important first. */
export function paceFacts(pace: Pace): string[] {
  const left = millisecondsLeft(pace);
  const rate = rowsPerSecond(pace);
  return [
    formatShare(pace.done, pace.total),
    ...(left === undefined ? [] : [`${formatDuration(left)} left`]),
    `${formatCount(pace.rows)} rows`,
    ...(rate === undefined ? [] : [`${formatCount(Math.round(rate))} rows/s`]),
  ];
}
