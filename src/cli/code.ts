import { type Inventory, takeInventory } from "../code/inventory.ts";
import { openProject } from "../code/project.ts";
import { type InventoryRow, inventoryRows } from "../code/rows.ts";
import { colorsFor } from "../report/colors.ts";
import { formatGroups, formatTable } from "../report/table.ts";
import { counted } from "../report/units.ts";
import { type CodeOptions, withCode } from "./code-place.ts";
import { inventorySarif } from "./code-sarif.ts";
import { writeReport } from "./write-report.ts";

/** `tenantry code list`: every query, and every other place where tenants' data comes or goes. */
export function listCode(options: CodeOptions): Promise<void> {
  return withCode(options, async ({ settings, folder, output }) => {
    const inventory = takeInventory(openProject(settings, folder));
    const entries = inventoryRows(inventory);
    const annotations = inventory.annotations.map(({ file, line, reason }) => ({
      file,
      line,
      reason: reason ?? null,
    }));
    const files = inventory.project.files.length;
    await output.show({ kind: "code-inventory", files, entries, annotations }, () =>
      showInventory(inventory),
    );
    if (options.sarif !== undefined) await writeReport(options.sarif, inventorySarif(inventory));
  });
}

/** What these are, their operation says. */
const selfEvident = new Set(["chain", "subscription", "cache"]);

const columns = ["what", "client", "payload", "filters", "reaches", "state"] as const;

/** A pipe has each place whole, to be searched for; a terminal has no room for the file on each line. */
function showInventory(inventory: Inventory): string {
  const pc = colorsFor(process.stdout);
  const rows = inventoryRows(inventory);
  // A column that says nothing of any row takes the room of others.
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
  const files = counted(inventory.project.files.length, "file");
  return `${table}\n${counted(rows.length, "place")} in ${files}: ${states}\n`;
}

function cellsOf(row: InventoryRow): string[] {
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
