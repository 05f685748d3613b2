import { isInTree } from "../../../src/catalog/partitions.ts";
import type { ForeignKey } from "../../../src/catalog/relations.ts";
import { nameOrganization } from "../../../src/steps/foreign-key.ts";
import type { CrossingKey } from "../../../src/steps/foreign-key-definition.ts";
import { organizationKey } from "../../../src/steps/organization-key.ts";
import type { StageContext } from "../../../src/steps/stage.ts";
import type { Step } from "../../../src/steps/step.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { namesIn, tenantTables } from "./tenant-tables.ts";

/** Foreign keys between tenant tables, which are to name the organization too. */
export const foreignKeys = hardening<CrossingKey>({
  part: "foreignKeys",
  are: "foreign keys that span organizations",
  find: crossingKeys,
  steps: (keys, context) => nameOrganization(keys, organizationKeys(context, keys)),
});

function crossingKeys(context: StageContext): Candidate<CrossingKey>[] {
  const tables = tenantTables(context);
  return tables.flatMap((child) =>
    child.existing.foreignKeys.flatMap((key) => {
      const parent = tables.find(
        ({ relation }) => relation.schema === key.schema && relation.name === key.table,
      );
      if (parent === undefined || key.columns.includes(child.tenancy.column)) return [];
      const what = { key, child, parent };
      return [{ name: `${child.label}.${key.name}`, what, stays: whyItStays(context, what) }];
    }),
  );
}

function whyItStays(
  { snapshot }: StageContext,
  { key, child, parent }: CrossingKey,
): string | undefined {
  const { onUpdate, onDelete }: ForeignKey = key;
  const sets = (action: ForeignKey["onDelete"]) =>
    action === "SET NULL" || action === "SET DEFAULT";
  if (isInTree(child.existing) || !key.own) return "is of a partition or an inheriting table";
  if (isInTree(parent.existing)) return "references a partitioned table";
  if (!key.valid) return "is NOT VALID: validate it first";
  if (key.temporal) return "is over a PERIOD";
  if (key.matchFull) return "is MATCH FULL, which a column that is never NULL would break";
  if (sets(onUpdate)) return `has ON UPDATE ${onUpdate}, which would take the organization too`;
  if (sets(onDelete) && snapshot.server.version < 150_000) {
    return `has ON DELETE ${onDelete}, which takes the organization too before PostgreSQL 15`;
  }
  return undefined;
}

/** One for each set of columns that is referenced; what is there already serves. */
function organizationKeys(context: StageContext, keys: readonly CrossingKey[]): Step[] {
  const steps = new Map<string, Step>();
  for (const { key, parent } of keys) {
    const columns = [parent.tenancy.column, ...key.referencedColumns];
    const there = parent.existing.indexes.some(
      (index) =>
        index.unique &&
        index.valid &&
        !index.partial &&
        // No foreign key can reference what may be violated until a commit.
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
