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

/** Whether the column gets NOT NULL from a check that is validated first, without blocking writers. */
export function needsNotNull(table: TablePlan): boolean {
  return !isFilledByDefault(table) && existingColumn(table)?.notNull !== true;
}

/** Whether the foreign key is added after the backfill: one look-up for each row less. */
export function needsForeignKey(table: TablePlan): boolean {
  const withColumn = isFilledByDefault(table) && table.partitions === undefined;
  return !withColumn && existingForeignKey(table) === undefined;
}

/** The foreign key for new rows; existing ones are looked at when it is validated. */
export function foreignKeyNotValid(table: TablePlan): Sql {
  return sql`${foreignKey(table)}
    NOT VALID`;
}

/** The foreign key, for which existing rows are looked at as it is added. */
export function foreignKey(table: TablePlan): Sql {
  return sql`ADD CONSTRAINT ${ident(namesOf(table).foreignKey)}
    FOREIGN KEY (${ident(table.tenancy.column)})
    REFERENCES ${ident(table.tenancy.organizations)} (id)`;
}

/** Demands an organization that exists of every row that is written from now on. */
export function constrain(table: TablePlan): TransactionStep {
  const { relation, tenancy, label } = table;
  const { foreignKey: keyName, notNull } = namesOf(table);
  // Before PostgreSQL 18, a partitioned table takes none that is NOT VALID: its partitions do.
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
    title: "demand an organization of new rows",
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

/** Looks at the existing rows, under a lock that writers do not notice. */
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
 * Counts what the new column holds. Autovacuum may have looked while it was empty, and every plan
 * behind the fence asks it: a validation that took such statistics for true would take hours.
 * @param columns to be counted besides
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
