import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { forNow, none, placeOf } from "../model/checks.ts";
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
 * Gives organizations and memberships back as they were kept. Users that were not known then keep
 * what the plan gave them.
 */
export function restoreOrganizations(tenancy: Tenancy): TransactionStep {
  const { organizations, memberships, users } = tenancy;
  const kept = sql`(SELECT (jsonb_populate_record(NULL::${ident(memberships)}, record)).*
                      FROM ${ident(keptMemberships)})`;
  return {
    id: "day1/kept-organizations",
    title: "give organizations and memberships back as they were kept",
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
          "every membership that was kept is back",
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
 * Gives rows the organization that they had, before their source is asked: it may tell another one by
 * now, and it tells none of a row that somebody had moved by hand.
 */
export function restoreRows(table: TablePlan, kept: KeptTable): BatchesStep {
  return {
    id: stepId(table, "kept-rows"),
    title: "give rows the organization that was kept",
    table: table.relation,
    mode: "batches",
    lock: { level: "ROW EXCLUSIVE", on: [table.relation] },
    up: sql`${giveBack(table, kept)}
   AND record.ctid >= ${"(0,0)"}::tid
   AND record.ctid < ${"(0,0)"}::tid`,
    silencesTriggers: table.triggersMayBeSilenced,
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [
      forNow(
        none(
          `every row of ${table.label} that was kept has an organization`,
          sql`
            SELECT ${placeOf(table.relation, table.label)} AS violation
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
 * The same for rows that were written while the ranges were gone through: their new versions are on
 * pages that were behind already, with the organization that a trigger or the default gave them.
 */
export function restoreLeftOverRows(table: TablePlan, kept: KeptTable): TransactionStep {
  return {
    id: stepId(table, "kept-left-over"),
    title: "give rows that were written meanwhile the organization that was kept",
    table: table.relation,
    mode: "transaction",
    lock: { level: "ROW EXCLUSIVE", on: [table.relation] },
    up: table.triggersMayBeSilenced
      ? [silenceTriggers, giveBack(table, kept)]
      : [giveBack(table, kept)],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [rowsAreBack(table, kept)],
  };
}

/** The same in the one transaction of a small table. */
export function restoreRowsAtOnce(table: TablePlan, kept: KeptTable): Sql[] {
  if (!table.triggersMayBeSilenced) return [giveBack(table, kept)];
  return [silenceTriggers, giveBack(table, kept), sql`SET LOCAL session_replication_role = origin`];
}

function giveBack(table: TablePlan, kept: KeptTable): Sql {
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

/** Rows that were kept have what they had, for now: from then on the application may move them. */
export function rowsAreBack(table: TablePlan, kept: KeptTable): Check {
  const column = ident(table.tenancy.column);
  return forNow(
    none(
      `every row of ${table.label} that was kept has the organization it had`,
      sql`
        SELECT ${placeOf(table.relation, table.label)} AS violation
          FROM ${ident(table.relation)} AS record
          JOIN ${ident(kept.loadedAs)} AS kept ON ${sameKey(kept)}
         WHERE record.${column} IS DISTINCT FROM kept.kept_organization
         LIMIT 5
      `,
    ),
  );
}
