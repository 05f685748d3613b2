import { conflictColumnsOf, sqlTakeOverOf } from "../fence/conflict.ts";
import type { Rule } from "../rule.ts";

export const upsertTakesOver: Rule = {
  id: "upsert-takes-over",
  level: "error",
  title: "An upsert by the service role, or in SQL, can take over another organization's row",
  why: "On a conflict the row that is there is overwritten, its organization with it: no policy asks whose it was.",
  find(entry, inventory) {
    const { organizationColumn: column } = inventory.project.settings.names;
    const taken = entry.kind === "sql" ? sqlTakeOverOf(entry, inventory) : undefined;
    if (taken !== undefined)
      return {
        fact: `ON CONFLICT goes by ${taken}, which may be another organization's`,
        fix: `DO UPDATE … WHERE the table's ${column} = EXCLUDED.${column}`,
      };
    if (entry.kind !== "chain" || entry.operation !== "upsert") return undefined;
    if (entry.client.kind === "user-key") return undefined;
    if (!entry.relations.some(inventory.tables.hasOrganization)) return undefined;
    const columns = conflictColumnsOf(entry, inventory);
    // Where the columns are not known, another rule says so; without any it is the primary key.
    if (columns === undefined || columns.includes(column)) return undefined;
    const named = columns.length === 0 ? "the primary key" : columns.join(", ");
    return {
      fact: `goes by ${named}, which may be another organization's`,
      fix: `update by ${named} and ${column}, and insert what is not there; or // tenantry: all-organizations because …`,
    };
  },
};
