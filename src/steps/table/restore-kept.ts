import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { forNow, none, violationOf } from "../model/checks.ts";
import { type KeptTable, keptMemberships, keptOrganizations } from "../model/kept.ts";
import type { BatchesStep, Check, TransactionStep } from "../model/step.ts";
import { stepId, type TablePlan } from "../model/table-plan.ts";
import type { Tenancy } from "../model/tenancy.ts";
import { silenceTriggers } from "./backfill.ts";

const organizationColumns = [
  "id",
  "name",
  "slug",
  "created_at",
  "updated_at",
  "settings",
  "status",
  "trial_ends_at",
  "subscription_tier",
];
const membershipColumns = ["id", "organization_id", "user_id", "role", "created_at"];

/**
 * Restores organizations and memberships that a rollback saved. Users that were created since keep the
 * membership that the plan gave them.
 */
export function restoreOrganizations(tenancy: Tenancy): TransactionStep {
  const { organizations, memberships, users } = tenancy;
  const kept = sql`(SELECT (jsonb_populate_record(NULL::${ident(memberships)}, record)).*
                      FROM ${ident(keptMemberships)})`;
  return {
    id: "day1/kept-organizations",
    title: "restore the saved organizations and memberships",
    table: memberships,
    mode: "transaction",
    lock: { level: "ROW EXCLUSIVE", on: [organizations, memberships] },
    up: [
      sql`INSERT INTO ${ident(organizations)} (${names(organizationColumns)})
SELECT ${names(organizationColumns, sql`kept`)}
  FROM ${ident(keptOrganizations)} AS loaded
 CROSS JOIN jsonb_populate_record(NULL::${ident(organizations)}, loaded.record) AS kept
    ON CONFLICT (id) DO UPDATE
   SET ${overwrite(organizationColumns)}`,
      sql`DELETE FROM ${ident(memberships)} AS membership
 USING ${kept} AS known
 WHERE known.user_id = membership.user_id`,
      sql`INSERT INTO ${ident(memberships)} (${names(membershipColumns)})
SELECT ${names(membershipColumns, sql`kept`)}
  FROM ${kept} AS kept
 WHERE EXISTS (SELECT
                 FROM ${ident(users.relation)} AS record
                WHERE record.${ident(users.id)} = kept.user_id)
    ON CONFLICT DO NOTHING`,
    ],
    down: { kind: "covered", by: "day1/organizations" },
    verify: [
      forNow(
        none(
          "every saved membership is restored",
          sql`
            SELECT format('user %s is not %s of %s', kept.user_id, kept.role, kept.organization_id) AS violation
              FROM ${kept} AS kept
              JOIN ${ident(users.relation)} AS record ON record.${ident(users.id)} = kept.user_id
             WHERE NOT EXISTS (SELECT
                                 FROM ${ident(memberships)} AS membership
                                WHERE membership.user_id = kept.user_id
                                  AND membership.organization_id = kept.organization_id
                                  AND membership.role = kept.role)
             LIMIT 5
          `,
        ),
      ),
    ],
  };
}

function names(columns: readonly string[], of?: Sql): Sql {
  return list(
    columns.map((column) => (of === undefined ? ident(column) : sql`${of}.${ident(column)}`)),
  );
}

function overwrite(columns: readonly string[]): Sql {
  return list(columns.map((column) => sql`${ident(column)} = EXCLUDED.${ident(column)}`));
}

/**
 * Restores the organization of rows before the backfill takes it from their source: the source may have
 * changed since, and does not know about rows that were moved by hand.
 */
export function restoreRows(table: TablePlan, kept: KeptTable): BatchesStep {
  return {
    id: stepId(table, "kept-rows"),
    title: "restore the saved organization of rows",
    table: table.relation,
    mode: "batches",
    lock: { level: "ROW EXCLUSIVE", on: [table.relation] },
    up: sql`${restore(table, kept)}
   AND record.ctid >= ${"(0,0)"}::tid
   AND record.ctid < ${"(0,0)"}::tid`,
    silencesTriggers: table.triggersMayBeSilenced,
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [
      forNow(
        none(
          `every saved row of ${table.label} has an organization`,
          sql`
            SELECT ${violationOf(table, table.label)} AS violation
              FROM ${ident(table.relation)} AS record
              JOIN ${ident(kept.loadedAs)} AS kept ON ${sameKey(kept)}
             WHERE record.${ident(table.tenancy.column)} IS NULL
               AND kept.kept_organization IS NOT NULL
             LIMIT 5
          `,
        ),
      ),
    ],
  };
}

/**
 * The same for rows that were written while the ranges were read: their new versions are on pages before
 * the cursor, with the organization from a trigger or the default.
 */
export function restoreLeftOverRows(table: TablePlan, kept: KeptTable): TransactionStep {
  return {
    id: stepId(table, "kept-left-over"),
    title: "restore the saved organization of rows that were written meanwhile",
    table: table.relation,
    mode: "transaction",
    lock: { level: "ROW EXCLUSIVE", on: [table.relation] },
    up: table.triggersMayBeSilenced
      ? [silenceTriggers, restore(table, kept)]
      : [restore(table, kept)],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [rowsAreBack(table, kept)],
  };
}

/** The same in the transaction of a small table. */
export function restoreRowsAtOnce(table: TablePlan, kept: KeptTable): Sql[] {
  if (!table.triggersMayBeSilenced) return [restore(table, kept)];
  return [silenceTriggers, restore(table, kept), sql`SET LOCAL session_replication_role = origin`];
}

function restore(table: TablePlan, kept: KeptTable): Sql {
  const column = ident(table.tenancy.column);
  return sql`UPDATE ${ident(table.relation)} AS record
   SET ${column} = kept.kept_organization
  FROM ${ident(kept.loadedAs)} AS kept
 WHERE ${sameKey(kept)}
   AND record.${column} IS DISTINCT FROM kept.kept_organization`;
}

function sameKey({ key }: KeptTable): Sql {
  return list(
    key.map((column) => sql`record.${ident(column)} = kept.${ident(column)}`),
    "\n   AND ",
  );
}

/** The check that saved rows have their organization. Not lasting: the application may move them later. */
export function rowsAreBack(table: TablePlan, kept: KeptTable): Check {
  const column = ident(table.tenancy.column);
  return forNow(
    none(
      `every saved row of ${table.label} has its saved organization`,
      sql`
        SELECT ${violationOf(table, table.label)} AS violation
          FROM ${ident(table.relation)} AS record
          JOIN ${ident(kept.loadedAs)} AS kept ON ${sameKey(kept)}
         WHERE record.${column} IS DISTINCT FROM kept.kept_organization
         LIMIT 5
      `,
    ),
  );
}
