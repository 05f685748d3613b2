import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unresolvedTable: Rule = {
  id: "unresolved-table",
  level: "error",
  title: "The table of a query, or its operation, cannot be determined",
  why: "It may be a tenant table: Tenantry does not assume that it is safe.",
  find(entry, inventory) {
    if (entry.kind === "sql" && stateOf(entry, inventory) === "unresolved")
      return {
        fact: `the SQL cannot be read: ${entry.unread ?? "not known"}`,
        fix: "name its tables in a string literal at the call, or // tenantry: all-organizations because …",
      };
    if (entry.kind !== "chain" || stateOf(entry, inventory) !== "unresolved") return undefined;
    return entry.tables.kind === "unresolved"
      ? {
          fact: `the table's name cannot be read: ${entry.tables.text}`,
          fix: "name the table as a string literal, or give the name a type of string literals, or // tenantry: all-organizations because …",
        }
      : {
          fact: "is passed to code that cannot be followed",
          fix: "call select, insert, update, upsert or delete where the table is named",
        };
  },
};
