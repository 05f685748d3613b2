import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unlistedTable: Rule = {
  id: "unlisted-table",
  level: "warning",
  title: "A query is of a table or view that the configuration does not know",
  why: "A forgotten table is a leak; a view may show tenants' tables.",
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
      fact: `${names.join(", ")} is in no list`,
      fix: "name it in day1.tables, day2.tables, sharedTables or exemptTables",
    };
  },
};
