import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { forNow, none, rowsWhere, violationOf } from "../model/checks.ts";
import { organizationJoined, organizationOf } from "../model/sources.ts";
import type { BatchesStep, Check, TransactionStep } from "../model/step.ts";
import { existingForeignKey, stepId, type TablePlan } from "../model/table-plan.ts";

/** Sets the organization of each row that has none, over ranges of pages. */
export function backfill(table: TablePlan): BatchesStep {
  const { relation } = table;
  return {
    id: stepId(table, "backfill"),
    title: "backfill",
    table: relation,
    mode: "batches",
    lock: { level: "ROW EXCLUSIVE", on: [relation] },
    up: update(table),
    silencesTriggers: table.triggersMayBeSilenced,
    down: { kind: "covered", by: stepId(table, "column") },
    verify: rowsHaveTheirOrganization(table),
  };
}

function update({ relation, tenancy, source, unattributed }: TablePlan): Sql {
  const column = ident(tenancy.column);
  const range = sql`record.ctid >= ${"(0,0)"}::tid
   AND record.ctid < ${"(0,0)"}::tid
   AND record.${column} IS NULL`;
  const joined = organizationJoined(source, unattributed, tenancy);
  if (joined === undefined) {
    return sql`UPDATE ${ident(relation)} AS record
   SET ${column} = ${organizationOf(source, unattributed, tenancy)}
 WHERE ${range}`;
  }
  return sql`UPDATE ${ident(relation)} AS record
   SET ${column} = ${joined.organization}
  FROM ${joined.from}
 WHERE ${joined.on}
   AND ${range}`;
}

/**
 * Sets the organization of rows in partitions that were attached after the backfill began. The index
 * finds them; without any, which is usual, it takes milliseconds.
 */
export function giveLeftOverRows(table: TablePlan): TransactionStep {
  const { relation, tenancy, source, unattributed } = table;
  const column = ident(tenancy.column);
  const update = sql`UPDATE ${ident(relation)} AS record
   SET ${column} = ${organizationOf(source, unattributed, tenancy)}
 WHERE record.${column} IS NULL`;
  return {
    id: stepId(table, "left-over"),
    title: "backfill partitions that were attached meanwhile",
    table: relation,
    mode: "transaction",
    lock: { level: "ROW EXCLUSIVE", on: [relation] },
    up: table.triggersMayBeSilenced ? [silenceTriggers, update] : [update],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: rowsHaveTheirOrganization(table),
  };
}

/**
 * Disables triggers in this transaction, where PostgreSQL lets this role do it: a backfill is not a
 * change of the application's, and must not fire `updated_at`, audits or webhooks. Foreign keys are
 * checked afterwards.
 */
export const silenceTriggers: Sql = sql`SET LOCAL session_replication_role = replica`;

/** The checks that every row has an organization, the same as its parent's. */
export function rowsHaveTheirOrganization(table: TablePlan): [Check, ...Check[]] {
  const { relation, tenancy, source } = table;
  const column = ident(tenancy.column);
  const complete = none(
    `every row of ${table.label} has an organization`,
    rowsWhere(table, `${table.label} without organization`, sql`record.${column} IS NULL`),
  );
  // Disabled triggers include those of a foreign key that exists and is valid.
  const known =
    existingForeignKey(table) === undefined
      ? []
      : [
          none(
            `every row of ${table.label} is in an organization that exists`,
            rowsWhere(
              table,
              `${table.label} in no organization that exists`,
              sql`NOT EXISTS (SELECT FROM ${ident(tenancy.organizations)} AS o WHERE o.id = record.${column})`,
            ),
          ),
        ];
  if (source.kind !== "via") return [complete, ...known];
  return [
    complete,
    ...known,
    // Later it is asked of all foreign keys.
    forNow(
      none(
        `every row of ${table.label} is in the organization of its ${source.parent.name}`,
        sql`
          SELECT ${violationOf(table, `${table.label} in another organization than its ${source.parent.name}`)} AS violation
            FROM ${ident(relation)} AS record
            JOIN ${ident(source.parent)} AS parent
              ON parent.${ident(source.parentColumn)} = record.${ident(source.column)}
           WHERE parent.${column} <> record.${column}
           LIMIT 5
        `,
      ),
    ),
  ];
}
