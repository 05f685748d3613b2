import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unfencedSubscription: Rule = {
  id: "unfenced-subscription",
  level: "error",
  title: "A realtime subscription to a tenant table has no filter on the organization",
  why: "Row-level security is not applied to DELETE events, and never for the service role.",
  find(entry, inventory) {
    if (entry.kind !== "subscription") return undefined;
    const { code, names } = inventory.project.settings;
    const filter = `${names.organizationColumn}=eq.\${${code[entry.part].organization}}`;
    const state = stateOf(entry, inventory);
    if (state === "unresolved")
      return {
        fact: "listens to all tables, or to one whose name cannot be determined",
        fix: "name the table as a string literal, and add a filter",
      };
    if (state !== "unfenced") return undefined;
    return entry.filter === undefined
      ? { fact: `listens to all rows of ${entry.table}`, fix: `filter: \`${filter}\`` }
      : {
          fact: `listens to ${entry.table} with another filter, and only one is allowed`,
          fix: `filter: \`${filter}\`; check the other condition in the callback`,
        };
  },
};
