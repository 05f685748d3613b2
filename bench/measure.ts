import type { Cell } from "./report.ts";
import { median } from "./setup.ts";

/** The middle of several runs as people read it, with the least and the most where they differ. */
export function middleOf(
  values: readonly (number | undefined)[],
  format: (value: number) => string,
): Cell {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return "";
  const value = median(known);
  const least = format(Math.min(...known));
  const most = format(Math.max(...known));
  const spread = least === most ? "" : ` (${least} to ${most})`;
  return { value, text: `${format(value)}${spread}` };
}
