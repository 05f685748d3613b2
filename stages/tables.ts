import { relationKey } from "../src/config/relation-name.ts";
import type { Fault } from "../src/config/settings.ts";
import type { StageContext } from "../src/steps/model/stage.ts";
import type { Step } from "../src/steps/model/step.ts";
import { namesOf, type TablePlan } from "../src/steps/model/table-plan.ts";
import { hasServingIndex } from "../src/steps/table/build-index.ts";
import { plannedPolicies } from "../src/steps/table/fence.ts";
import { tenantTable } from "../src/steps/table/tenant-table.ts";

/**
 * The steps of a stage's tables: parents before the children whose source they are. Each table is a
 * lane. The lane of a child waits for the end of its parent's lane: while the child's backfill reads the
 * parent, the parent's ALTER TABLE would wait, with the parent's writers behind it. A table that is
 * filled by SQL, which may read any table, runs alone.
 */
export function tablesOf({ settings }: StageContext, tables: readonly TablePlan[]): Step[] {
  const lanes = new Map<string, string>();
  return tables.flatMap((table): readonly Step[] => {
    const steps = tenantTable(table, settings.online.smallTableInBytes);
    if (table.source.kind === "sql") return steps;
    const parent = table.source.kind === "via" ? relationKey(table.source.parent) : "";
    const before = lanes.get(parent);
    const lane = { name: table.label, after: before === undefined ? [] : [before] };
    lanes.set(relationKey(table.relation), lane.name);
    return steps.map((step) => ({ ...step, lane }));
  });
}

/** Policies and indexes that exist already under names that the plan uses. */
export function takenNames(
  { snapshot }: StageContext,
  tables: readonly TablePlan[],
): readonly Fault[] {
  const all = tables.flatMap((table) => [
    { table, named: table },
    ...(table.partitions ?? []).map((partition) => ({ table: partition, named: table })),
  ]);
  return all.flatMap(({ table, named }) => {
    const path = named.setting;
    const planned = plannedPolicies(table);
    const policies = table.existing.policies
      .filter(({ name }) => planned.includes(name))
      .map(({ name }) => `the policy ${name}`);
    const { index } = namesOf(table);
    const { schema } = table.relation;
    const others = snapshot.relations
      .filter((one) => one.schema === schema && one.name !== table.relation.name)
      .filter((one) => one.name === index || one.indexes.some(({ name }) => name === index))
      .map((one) => ({
        path,
        fault: `needs the name ${index}, which ${one.name} has taken`,
        fix: "rename that index or relation",
      }));
    const indexes = table.existing.indexes
      .filter(({ name, valid }) => name === index && valid && !hasServingIndex(table))
      .map(({ name }) => `an index ${name} that does not begin with ${table.tenancy.column}`);
    const has = table === named ? "has" : `has a partition ${table.label}, which has`;
    const own = [...policies, ...indexes].map((taken) => ({
      path,
      fault: `${has} ${taken} already`,
      fix: "drop or rename it: the plan creates its own",
    }));
    return [...own, ...others];
  });
}
