import { stateOf } from "../fence/fence.ts";
import { narrowsTo } from "../queries/filters.ts";
import type { Rule } from "../rule.ts";

export const unfencedQuery: Rule = {
  id: "unfenced-query",
  level: "error",
  title: "A read, update or delete of a tenant table does not name the organization",
  why: "With the service role, nothing else limits it to one tenant; with the user's key, only row-level security does.",
  find(entry, inventory) {
    if (entry.kind !== "chain" || stateOf(entry, inventory) !== "unfenced") return undefined;
    if (entry.operation === "insert" || entry.operation === "upsert") return undefined;
    const { code, names } = inventory.project.settings;
    const column = names.organizationColumn;
    const sometimes = entry.filters.find((filter) =>
      narrowsTo({ ...filter, when: undefined }, column),
    );
    const mixed = !entry.relations.every(inventory.tables.hasOrganization);
    const fact =
      sometimes?.when === undefined
        ? `has no filter on ${column}`
        : `filters on ${column} only under a condition: ${sometimes.when}`;
    return {
      fact: mixed ? `${fact}, and its table does not always have that column` : fact,
      fix: `.eq('${column}', ${code[entry.part].organization}), or // tenantry: all-organizations because …`,
    };
  },
};
