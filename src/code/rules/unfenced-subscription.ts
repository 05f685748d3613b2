import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unfencedSubscription: Rule = {
  id: "unfenced-subscription",
  level: "error",
  title: "Changes of a tenant table are listened to without a filter on the organization",
  why: "Row-level security is not asked for deletes, and never for the service role.",
  find(entry, inventory) {
    if (entry.kind !== "subscription") return undefined;
    const { code, names } = inventory.project.settings;
    const filter = `${names.organizationColumn}=eq.\${${code[entry.part].organization}}`;
    const state = stateOf(entry, inventory);
    if (state === "unresolved")
      return {
        fact: "listens to every table, or to one that cannot be told",
        fix: "name the table as a text, and filter it",
      };
    if (state !== "unfenced") return undefined;
    return entry.filter === undefined
      ? { fact: `listens to all of ${entry.table}`, fix: `filter: \`${filter}\`` }
      : {
          fact: `listens to ${entry.table} by another filter, and there can be one only`,
          fix: `filter: \`${filter}\`, and let the rest be sorted out by the callback`,
        };
  },
};
