import { conflictOf, sqlConflictOf } from "../fence/conflict.ts";
import type { Rule } from "../rule.ts";

export const conflictColumns: Rule = {
  id: "conflict-columns",
  level: "error",
  title: "An upsert names columns that are unique only within an organization",
  why: "PostgreSQL refuses ON CONFLICT columns that match no unique constraint: SQLSTATE 42P10.",
  find(entry, inventory) {
    const columns = entry.kind === "sql" ? sqlConflictOf(entry, inventory) : undefined;
    if (columns !== undefined) {
      const { organizationColumn } = inventory.project.settings.names;
      return {
        fact: `ON CONFLICT names ${columns}`,
        fix: `ON CONFLICT (${organizationColumn}, ${columns})`,
      };
    }
    const conflict = entry.kind === "chain" ? conflictOf(entry, inventory) : undefined;
    switch (conflict?.kind) {
      case undefined:
        return undefined;
      case "changed":
        return {
          fact: `onConflict names ${conflict.columns}`,
          fix: `onConflict: '${conflict.becomes}'`,
        };
      case "unreadable":
        return {
          fact: `the columns of onConflict cannot be read: ${conflict.text}`,
          fix: "write the columns as a string literal",
        };
      default:
        return conflict satisfies never;
    }
  },
};
