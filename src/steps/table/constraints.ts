import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { columnWhere, exists, forNow } from "../model/checks.ts";
import type { Check, TransactionStep } from "../model/step.ts";
import {
  existingColumn,
  existingForeignKey,
  isFilledByDefault,
  namesOf,
  stepId,
  type TablePlan,
} from "../model/table-plan.ts";
import { validation } from "./validation.ts";

/** Whether the column gets NOT NULL by way of a CHECK that is validated first, without blocking writers. */
export function needsNotNull(table: TablePlan): boolean {
  return !isFilledByDefault(table) && existingColumn(table)?.notNull !== true;
}

/** Whether the foreign key is added after the backfill, which saves one look-up for each row. */
export function needsForeignKey(table: TablePlan): boolean {
  const withColumn = isFilledByDefault(table) && table.partitions === undefined;
  return !withColumn && existingForeignKey(table) === undefined;
}

/** The foreign key for new rows; existing rows are checked when it is validated. */
export function foreignKeyNotValid(table: TablePlan): Sql {
  return sql`${foreignKey(table)}
    NOT VALID`;
}

/** The foreign key, which checks existing rows when it is added. */
export function foreignKey(table: TablePlan): Sql {
  return sql`ADD CONSTRAINT ${ident(namesOf(table).foreignKey)}
    FOREIGN KEY (${ident(table.tenancy.column)})
    REFERENCES ${ident(table.tenancy.organizations)} (id)`;
}

/** Requires of every row that is written from now on an organization that exists. */
export function constrain(table: TablePlan): TransactionStep {
  const { relation, tenancy, label } = table;
  const { foreignKey: keyName, notNull } = namesOf(table);
  // Before PostgreSQL 18, a NOT VALID foreign key is allowed on partitions only.
  const withKey = needsForeignKey(table) && table.partitions === undefined;
  const check = sql`ADD CONSTRAINT ${ident(notNull)}
    CHECK (${ident(tenancy.column)} IS NOT NULL)
    NOT VALID`;
  const added = [
    ...(needsNotNull(table) ? [{ name: notNull, definition: check }] : []),
    ...(withKey ? [{ name: keyName, definition: foreignKeyNotValid(table) }] : []),
  ];
  const drops = added.map(({ name }) => sql`DROP CONSTRAINT IF EXISTS ${ident(name)}`);
  return {
    id: stepId(table, "constraints"),
    title: "add constraints for new rows, NOT VALID",
    table: relation,
    mode: "transaction",
    lock: {
      level: "ACCESS EXCLUSIVE",
      on: withKey ? [relation, tenancy.organizations] : [relation],
    },
    up: [
      sql`ALTER TABLE ${ident(relation)}
  ${list(
    added.map(({ definition }) => definition),
    ",\n  ",
  )}`,
    ],
    down: {
      kind: "exact",
      sql: [
        sql`ALTER TABLE IF EXISTS ${ident(relation)}
  ${list(drops, ",\n  ")}`,
      ],
    },
    verify: [
      forNow(
        exists(
          `new rows of ${label} need an organization that exists`,
          columnWhere(
            relation,
            tenancy.column,
            sql`(SELECT count(*) FROM pg_constraint k
                  WHERE k.conrelid = c.oid
                    AND k.conname = ANY (${added.map(({ name }) => name)}::text[])) = ${added.length}`,
          ),
        ),
      ),
    ],
  };
}

/** Validates the constraints; writers do not wait. */
export function validate(table: TablePlan): TransactionStep {
  const { relation } = table;
  const { foreignKey: keyName, notNull } = namesOf(table);
  return {
    id: stepId(table, "validate"),
    title: "validate the foreign key",
    table: relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [relation] },
    up: needsNotNull(table)
      ? [validation(relation, keyName), validation(relation, notNull), analyze(table)]
      : [validation(relation, keyName), analyze(table)],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [foreignKeyHolds(table)],
  };
}

/**
 * Updates the statistics of the new column, which every query plan behind the fence uses. Autovacuum may
 * have analyzed it while it was empty: with such statistics a validation could take hours.
 * @param columns further columns
 */
export function analyze(table: TablePlan, columns: readonly string[] = []): Sql {
  const counted = [table.tenancy.column, ...columns].map((column) => ident(column));
  return sql`ANALYZE ${ident(table.relation)} (${list(counted)})`;
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
