/** Bytes in the units that people read: `3.4 MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds in the units that people read: `240 ms`, `3.2 s`, `4 min 5 s`, `2 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** So many of what has a regular plural: `1 file`, `2 files`. */
export function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** A count with its thousands apart: `320,000`. */
export function formatCount(count: number): string {
  return new Intl.NumberFormat("en-US").format(count);
}

/**
 * A part of a whole in per cent; never 100 before it is complete.
 * Nothing of nothing is whole.
 */
export function formatShare(done: number, total: number): string {
  return done >= total ? "100 %" : `${Math.floor((100 * done) / total)} %`;
}
