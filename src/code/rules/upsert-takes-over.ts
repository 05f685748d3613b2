import { conflictColumnsOf, sqlTakeOverOf } from "../fence/conflict.ts";
import type { Rule } from "../rule.ts";

export const upsertTakesOver: Rule = {
  id: "upsert-takes-over",
  level: "error",
  title: "An upsert by the service role, or in SQL, can overwrite another organization's row",
  why: "On a conflict the existing row is overwritten, with its organization, and no policy checks whose row it was.",
  find(entry, inventory) {
    const { organizationColumn: column } = inventory.project.settings.names;
    const taken = entry.kind === "sql" ? sqlTakeOverOf(entry, inventory) : undefined;
    if (taken !== undefined)
      return {
        fact: `ON CONFLICT compares ${taken}: the existing row may belong to another organization`,
        fix: `add WHERE <table>.${column} = EXCLUDED.${column} to DO UPDATE`,
      };
    if (entry.kind !== "chain" || entry.operation !== "upsert") return undefined;
    if (entry.client.kind === "user-key") return undefined;
    if (!entry.relations.some(inventory.tables.hasOrganization)) return undefined;
    const columns = conflictColumnsOf(entry, inventory);
    // Unknown columns are reported by another rule; no columns means the primary key.
    if (columns === undefined || columns.includes(column)) return undefined;
    const named = columns.length === 0 ? "the primary key" : columns.join(", ");
    return {
      fact: `compares ${named}: the existing row may belong to another organization`,
      fix: `update by ${named} and ${column}, then insert the rows that do not exist; or // tenantry: all-organizations because …`,
    };
  },
};
