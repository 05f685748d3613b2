import { isInTree } from "../../../src/catalog/partitions.ts";
import type { Index } from "../../../src/catalog/relations.ts";
import {
  type CrossingIndex,
  canNameOrganization,
  makeUniquePerOrganization,
  sharedValues,
} from "../../../src/steps/hardening/unique-constraint.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import type { TablePlan } from "../../../src/steps/model/table-plan.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { namesIn, tenantTables } from "./tenant-tables.ts";

/** Unique constraints and indexes of tenant tables, which become unique in each organization. */
export const uniqueConstraints = hardening<CrossingIndex>({
  setting: "uniqueConstraints",
  are: "unique constraints that span organizations",
  find: crossingIndexes,
  concerns: ({ table }) => [table.relation],
  steps: (indexes) => indexes.flatMap(makeUniquePerOrganization),
  guards: (indexes) => indexes.map(sharedValues),
});

function crossingIndexes(context: StageContext): Candidate<CrossingIndex>[] {
  return tenantTables(context).flatMap((table) =>
    table.existing.indexes
      .filter(({ unique, primary }) => unique && !primary)
      .filter(({ columns }) => !columns.includes(table.tenancy.column))
      .map((index) => {
        const target = { table, index, taken: namesIn(context, table.relation.schema) };
        return { name: `${table.label}.${index.name}`, target, whyItStays: whyItStays(target) };
      }),
  );
}

function whyItStays(crossing: CrossingIndex): string | undefined {
  const { index, table }: { index: Index; table: TablePlan } = crossing;
  if (isInTree(table.existing)) return "is of a partition or an inheriting table";
  if (index.needed) return "is used by a foreign key, a rule, a function, or as replica identity";
  if (!index.valid) return "is not valid: rebuild it first";
  if (!canNameOrganization(crossing)) return "has a definition that Tenantry cannot read";
  return undefined;
}
