import { ident, sql } from "../../postgres/sql.ts";
import { columnWhere, exists } from "../model/checks.ts";
import type { Check, Down, TransactionStep } from "../model/step.ts";
import { existingColumn, namesOf, stepId, type TablePlan } from "../model/table-plan.ts";

/** SET NOT NULL, for which PostgreSQL 12 and later skips the scan because of the validated CHECK. */
export function setNotNull(table: TablePlan): TransactionStep {
  const { relation, tenancy } = table;
  return {
    id: stepId(table, "not-null"),
    title: "NOT NULL",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [
      sql`ALTER TABLE ${ident(relation)}
  ALTER COLUMN ${ident(tenancy.column)} SET NOT NULL`,
      sql`ALTER TABLE ${ident(relation)}
  DROP CONSTRAINT ${ident(namesOf(table).notNull)}`,
    ],
    down: notNullDown(table),
    verify: [columnIsNotNull(table)],
  };
}

/** DROP NOT NULL where the column existed before the plan and was nullable. */
export function notNullDown(table: TablePlan): Down {
  if (existingColumn(table) === undefined) {
    return { kind: "covered", by: stepId(table, "column") };
  }
  return {
    kind: "exact",
    sql: [
      sql`ALTER TABLE IF EXISTS ${ident(table.relation)}
  ALTER COLUMN ${ident(table.tenancy.column)} DROP NOT NULL`,
    ],
  };
}

/** The check that the column is NOT NULL. */
export function columnIsNotNull(table: TablePlan): Check {
  return exists(
    `${table.label}.${table.tenancy.column} is NOT NULL`,
    columnWhere(table.relation, table.tenancy.column, sql`a.attnotnull`),
  );
}
