import { formatBytes, formatCount, formatDuration, formatShare } from "../../number-formats.ts";

type Position = { readonly done: number; readonly total: number; readonly rows: number };

/** How far a backfill is, and since when it was looked at. */
export type Pace = Position & {
  /** A backfill that is resumed has done everything before this already. */
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

/** Rows a second since the first progress; undefined while that cannot be computed. */
export function rowsPerSecond({ first, rows, at }: Pace): number | undefined {
  return at - first.at < 500 ? undefined : (1000 * (rows - first.rows)) / (at - first.at);
}

/** Milliseconds until all pages are done; undefined while that cannot be computed. */
export function millisecondsLeft({ first, done, total, at }: Pace): number | undefined {
  if (at - first.at < 500 || done <= first.done) return undefined;
  return ((at - first.at) / (done - first.done)) * (total - done);
}

/** A pace in words, the most important first. */
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

/** How far a dump is, in words. */
export function dumpFacts({ tables, ofTables, bytes }: DumpProgress): string {
  return tables === null
    ? formatBytes(bytes)
    : `${tables} of ${ofTables} tables, ${formatBytes(bytes)}`;
}

type DumpProgress = {
  readonly tables: number | null;
  readonly ofTables: number;
  readonly bytes: number;
};
