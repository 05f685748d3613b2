import type { ForeignKey } from "../../catalog/relations.ts";
import { ident, list, raw, type Sql, sql } from "../../postgres/sql.ts";
import type { TablePlan } from "../model/table-plan.ts";

/** A foreign key between two tenant tables, which does not contain the organization yet. */
export type CrossingKey = {
  readonly key: ForeignKey;
  readonly child: TablePlan;
  readonly parent: TablePlan;
};

/** The foreign key as it is, or with the organization before its columns. */
export function definition(
  { key, child, parent }: CrossingKey,
  { withOrganization }: { readonly withOrganization: boolean },
): Sql {
  const organization = withOrganization ? [child.tenancy.column] : [];
  const names = (columns: readonly string[]) =>
    list([...organization, ...columns].map((name) => ident(name)));
  // The isolation proof moves rows from one organization to another before it rolls back.
  const deferrable = withOrganization && key.deferrable === "no" ? "immediate" : key.deferrable;
  const clauses = [
    sql`FOREIGN KEY (${names(key.columns)})`,
    sql`REFERENCES ${ident(parent.relation)} (${names(key.referencedColumns)})`,
    ...(key.onUpdate === "NO ACTION" ? [] : [sql`ON UPDATE ${raw(key.onUpdate)}`]),
    ...onDelete(key, withOrganization ? key.columns : null),
    ...(deferrable === "no" ? [] : [sql`DEFERRABLE INITIALLY ${raw(deferrable.toUpperCase())}`]),
  ];
  return list(clauses, "\n    ");
}

/** @param all the columns to set, where ON DELETE must name them: the row keeps its organization */
function onDelete(key: ForeignKey, all: readonly string[] | null): Sql[] {
  switch (key.onDelete) {
    case "NO ACTION":
      return [];
    case "RESTRICT":
    case "CASCADE":
      return [sql`ON DELETE ${raw(key.onDelete)}`];
    case "SET NULL":
    case "SET DEFAULT": {
      const columns = key.onDeleteSets ?? all;
      const action = sql`ON DELETE ${raw(key.onDelete)}`;
      if (columns === null) return [action];
      return [sql`${action} (${list(columns.map((name) => ident(name)))})`];
    }
    default:
      return key.onDelete satisfies never;
  }
}
