import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unresolvedTable: Rule = {
  id: "unresolved-table",
  level: "error",
  title: "Which table a query is of, or what it does there, cannot be told",
  why: "It may be a tenant table's; what cannot be told is not taken for sound.",
  find(entry, inventory) {
    if (entry.kind === "sql" && stateOf(entry, inventory) === "unresolved")
      return {
        fact: `the SQL is ${entry.unread ?? "not known"}`,
        fix: "write its tables out where it is handed over, or // tenantry: all-organizations because …",
      };
    if (entry.kind !== "chain" || stateOf(entry, inventory) !== "unresolved") return undefined;
    return entry.tables.kind === "unresolved"
      ? {
          fact: `the table is ${entry.tables.text}`,
          fix: "name the table as a text or by a type of texts, or // tenantry: all-organizations because …",
        }
      : {
          fact: "goes where it cannot be followed",
          fix: "select, insert, update, upsert or delete where the table is named",
        };
  },
};
