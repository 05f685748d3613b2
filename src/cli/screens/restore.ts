import { formatCount } from "../../number-formats.ts";
import type { Confirmation } from "../../operations/context/caller.ts";
import { formatTable } from "../../report/terminal/table.ts";

/** What restoring in place would lose, by table. */
export function showLoss({
  database,
  since,
  lost,
}: Extract<Confirmation, { kind: "restore in place" }>): string {
  const gone = lost.reduce((sum, one) => sum + one.lost, 0);
  if (gone + lost.length === 0) {
    return `${database} goes back to ${since}: no row was written since.\n`;
  }
  const table = formatTable(
    ["table", "written since, lost", "as it was, comes back"],
    lost.map((one) => [one.table, formatCount(one.lost), formatCount(one.back)]),
    [1, 2],
  );
  return `${database} goes back to ${since}: ${formatCount(gone)} rows that were written or changed since are lost.\n${table}\n`;
}
