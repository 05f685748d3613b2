import { counted } from "../../../number-formats.ts";
import { type CodeInventory, listCode } from "../../../operations/code/check-code.ts";
import { colorsFor } from "../../../report/terminal/colors.ts";
import { formatGroups, formatTable } from "../../../report/terminal/table.ts";
import { writeReport } from "../../terminal/write-report.ts";
import { inventorySarif } from "./sarif.ts";
import { type CodeOptions, withCode } from "./with-code.ts";

/** `tenantry code list`: every query, and every other place where the code reads or writes tenants' data. */
export function listCommand(options: CodeOptions): Promise<void> {
  return withCode(options, async ({ output, ...context }) => {
    const inventory = listCode(context);
    const { folder: _, ...shown } = inventory;
    await output.show({ kind: "code-inventory", ...shown }, () => showInventory(inventory));
    if (options.sarif !== undefined) await writeReport(options.sarif, inventorySarif(inventory));
  });
}

/** Kinds that the operation makes clear. */
const selfEvident = new Set(["chain", "subscription", "cache"]);

const columns = ["what", "client", "payload", "filters", "reaches", "state"] as const;

/** Into a pipe, each line has the file, for grep; in a terminal, files are headings, to save width. */
function showInventory({ files: read, entries: rows }: CodeInventory): string {
  const pc = colorsFor(process.stdout);
  // A column that is empty in all rows is left out.
  const cells = rows.map(cellsOf);
  const used = columns.flatMap((_, index) =>
    cells.some((row) => row[index] !== "") ? [index] : [],
  );
  const head = used.map((index) => columns[index] ?? "");
  const row = (place: string, index: number) => [
    place,
    ...used.map((column) => cells[index]?.[column] ?? ""),
  ];
  const table =
    process.stdout.columns === undefined
      ? formatTable(
          ["place", ...head],
          rows.map(({ file, line }, index) => row(`${file}:${line}`, index)),
        )
      : formatGroups(
          ["line", ...head],
          [...new Set(rows.map(({ file }) => file))].map((file) => ({
            title: pc.bold(file),
            rows: rows.flatMap((one, index) =>
              one.file === file ? [row(String(one.line), index)] : [],
            ),
          })),
          [0],
        );
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const files = counted(read, "file");
  return `${table}\n${counted(rows.length, "place")} in ${files}: ${states}\n`;
}

function cellsOf(row: CodeInventory["entries"][number]): string[] {
  const { what, operation, name, filters } = row;
  return [
    [selfEvident.has(what) ? null : what, operation, name]
      .filter((part) => part !== null)
      .join(" "),
    row.client ?? "",
    row.payload ?? "",
    filters
      .map(({ column, method, when }) => `${column ?? method}${when === null ? "" : ` if ${when}`}`)
      .join(", "),
    row.embeds.join(", "),
    row.reason === null ? row.state : `all organizations: ${row.reason}`,
  ];
}
