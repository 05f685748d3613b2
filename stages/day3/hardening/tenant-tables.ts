import type { RelationName } from "../../../src/postgres/sql.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import type { TablePlan } from "../../../src/steps/model/table-plan.ts";

/** The tenant tables of both days. */
export function tenantTables({ tables }: StageContext): readonly TablePlan[] {
  return [...tables.day1, ...tables.day2];
}

/** Whether a relation is behind the fence: a tenant table, one of users, the organizations or the memberships. */
export function isFenced(context: StageContext, { schema, name }: RelationName): boolean {
  const { organizations, memberships } = context.tenancy;
  const fenced = [
    ...tenantTables(context).map(({ relation }) => relation),
    organizations,
    memberships,
    ...context.settings.profiles.map(({ relation }) => relation),
  ];
  return fenced.some((one) => one.schema === schema && one.name === name);
}

/** The names that the relations of a schema have, of which an index cannot have one. */
export function namesIn({ snapshot }: StageContext, schema: string): readonly string[] {
  const { relations, sequences } = snapshot;
  return [
    ...relations.flatMap((one) =>
      one.schema === schema ? [one.name, ...one.indexes.map(({ name }) => name)] : [],
    ),
    ...sequences.filter((one) => one.schema === schema).map(({ name }) => name),
  ];
}
