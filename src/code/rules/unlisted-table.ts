import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unlistedTable: Rule = {
  id: "unlisted-table",
  level: "warning",
  title: "A query uses a table or view that the configuration does not list",
  why: "A forgotten table can leak rows, and a view can show rows of tenant tables.",
  find(entry, inventory) {
    if (entry.kind !== "chain" && entry.kind !== "subscription") return undefined;
    if (stateOf(entry, inventory) !== "unlisted") return undefined;
    const relations =
      entry.kind === "chain"
        ? entry.relations
        : entry.relation === undefined
          ? []
          : [entry.relation];
    const names = relations
      .filter((relation) => !inventory.tables.isListed(relation))
      .map(({ schema, name }) => `${schema}.${name}`);
    return {
      fact: `${names.join(", ")} is not in the configuration`,
      fix: "add it to day1.tables, day2.tables, sharedTables or exemptTables",
    };
  },
};
