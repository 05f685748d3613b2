import { whyKeyStays } from "../../../src/catalog/key-stays.ts";
import { organizationKey } from "../../../src/steps/hardening/organization-key.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import type { Step } from "../../../src/steps/model/step.ts";
import { nameOrganization } from "../../../src/steps/table/foreign-key.ts";
import type { CrossingKey } from "../../../src/steps/table/foreign-key-definition.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { namesIn, tenantTables } from "./tenant-tables.ts";

/** Foreign keys between tenant tables, which are to name the organization too. */
export const foreignKeys = hardening<CrossingKey>({
  setting: "foreignKeys",
  are: "foreign keys that span organizations",
  find: crossingKeys,
  concerns: ({ child, parent }) => [child.relation, parent.relation],
  steps: (wanted, context) => nameOrganization(wanted, organizationKeys(context, wanted)),
});

function crossingKeys(context: StageContext): Candidate<CrossingKey>[] {
  const tables = tenantTables(context);
  return tables.flatMap((child) =>
    child.existing.foreignKeys.flatMap((key) => {
      const parent = tables.find(
        ({ relation }) => relation.schema === key.schema && relation.name === key.table,
      );
      if (parent === undefined || key.columns.includes(child.tenancy.column)) return [];
      const target = { key, child, parent };
      const whyItStays = whyKeyStays(context.snapshot, key, {
        child: child.existing,
        parent: parent.existing,
      });
      return [{ name: `${child.label}.${key.name}`, target, whyItStays }];
    }),
  );
}

/** One for each set of referenced columns, where no index serves already. */
function organizationKeys(context: StageContext, wanted: readonly CrossingKey[]): Step[] {
  const steps = new Map<string, Step>();
  for (const { key, parent } of wanted) {
    const columns = [parent.tenancy.column, ...key.referencedColumns];
    const there = parent.existing.indexes.some(
      (index) =>
        index.unique &&
        index.valid &&
        !index.partial &&
        // No foreign key can reference a deferrable unique constraint.
        !/\) DEFERRABLE/.test(index.constraint ?? "") &&
        index.columns.length === columns.length &&
        columns.every((column) => index.columns.includes(column)),
    );
    if (there) continue;
    const step = organizationKey(
      parent,
      key.referencedColumns,
      namesIn(context, parent.relation.schema),
    );
    steps.set(step.id, step);
  }
  return [...steps.values()];
}
