import { ident, type Sql, sql } from "../postgres/sql.ts";
import { columnWhere, exists } from "./checks.ts";
import type { Check, Down, TransactionStep } from "./step.ts";
import {
  existingColumn,
  isFilledByDefault,
  namesOf,
  stepId,
  type TablePlan,
} from "./table-plan.ts";

/** Whether the column gets NOT NULL from a check that is validated first, without blocking writers. */
export function needsNotNull(table: TablePlan): boolean {
  return !isFilledByDefault(table) && existingColumn(table)?.notNull !== true;
}

/** Demands an organization of every row that is written from now on; looks at no existing row. */
export function demandOrganization(table: TablePlan): TransactionStep {
  const { relation, tenancy } = table;
  const { notNull } = namesOf(table);
  return {
    id: stepId(table, "demand"),
    title: "demand an organization of new rows",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [
      sql`ALTER TABLE ${ident(relation)}
  ADD CONSTRAINT ${ident(notNull)}
    CHECK (${ident(tenancy.column)} IS NOT NULL)
    NOT VALID`,
    ],
    down: {
      kind: "exact",
      sql: [
        sql`ALTER TABLE IF EXISTS ${ident(relation)}
  DROP CONSTRAINT IF EXISTS ${ident(notNull)}`,
      ],
    },
    verify: [
      {
        lasting: false,
        claim: `new rows of ${table.label} need an organization`,
        violations: sql`
          SELECT ${`${table.label} has no check ${notNull}`}::text AS violation
           WHERE NOT EXISTS (${columnWhere(
             relation,
             tenancy.column,
             sql`EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = ${notNull})`,
           )})
        `,
      },
    ],
  };
}

/** Looks at the existing rows, under a lock that writers do not notice. */
export function validate(table: TablePlan): TransactionStep {
  const { relation } = table;
  const { foreignKey, notNull } = namesOf(table);
  return {
    id: stepId(table, "validate"),
    title: "validate the foreign key",
    table: relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [relation] },
    up: needsNotNull(table)
      ? [validation(table, foreignKey), validation(table, notNull)]
      : [validation(table, foreignKey)],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [foreignKeyHolds(table)],
  };
}

/** Validates one constraint of the table. */
export function validation(table: TablePlan, constraint: string): Sql {
  return sql`ALTER TABLE ${ident(table.relation)}
  VALIDATE CONSTRAINT ${ident(constraint)}`;
}

/** NOT NULL itself: with the validated check there, PostgreSQL (12 and later) skips the scan. */
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

/** Undoes NOT NULL where the column was there, and nullable, before the plan. */
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

/** The check that the foreign key was validated. */
export function foreignKeyHolds(table: TablePlan): Check {
  return exists(
    `the foreign key of ${table.label} is validated`,
    columnWhere(
      table.relation,
      table.tenancy.column,
      sql`EXISTS (SELECT FROM pg_constraint k
                   WHERE k.conrelid = c.oid
                     AND k.contype = 'f'
                     AND k.conkey = ARRAY[a.attnum]
                     AND k.convalidated)`,
    ),
  );
}
