import { type Inventory, takeInventory } from "../code/inventory.ts";
import { openProject } from "../code/project.ts";
import { inventoryRows } from "../code/rows.ts";
import { formatTable } from "../report/table.ts";
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

function showInventory(inventory: Inventory): string {
  const rows = inventoryRows(inventory);
  const table = formatTable(
    ["place", "what", "client", "payload", "filters", "reaches", "state"],
    rows.map((row) => [
      `${row.file}:${row.line}`,
      [selfEvident.has(row.what) ? null : row.what, row.operation, row.name]
        .filter((part) => part !== null)
        .join(" "),
      row.client ?? "",
      row.payload ?? "",
      row.filters
        .map(
          ({ column, method, when }) => `${column ?? method}${when === null ? "" : ` if ${when}`}`,
        )
        .join(", "),
      row.embeds.join(", "),
      row.reason === null ? row.state : `all organizations: ${row.reason}`,
    ]),
  );
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const files = counted(inventory.project.files.length, "file");
  return `${table}\n${counted(rows.length, "place")} in ${files}: ${states}\n`;
}
