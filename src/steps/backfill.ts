import { ident, sql } from "../postgres/sql.ts";
import { none, rowsWhere } from "./checks.ts";
import { organizationOf } from "./sources.ts";
import type { BatchesStep, Check } from "./step.ts";
import { stepId, type TablePlan } from "./table-plan.ts";

/** Gives each row that has none its organization, over ranges of pages. */
export function backfill(table: TablePlan): BatchesStep {
  const { relation, tenancy } = table;
  const column = ident(tenancy.column);
  return {
    id: stepId(table, "backfill"),
    title: "backfill",
    table: relation,
    mode: "batches",
    lock: { level: "ROW EXCLUSIVE", on: [relation] },
    up: sql`UPDATE ${ident(relation)} AS record
   SET ${column} = ${organizationOf(table.source, table.unattributed, tenancy)}
 WHERE record.ctid >= ${"(0,0)"}::tid
   AND record.ctid < ${"(0,0)"}::tid
   AND record.${column} IS NULL`,
    down: { kind: "covered", by: stepId(table, "column") },
    verify: rowsHaveTheirOrganization(table),
  };
}

/** Every row has an organization, and no child sits in another one than its parent. */
export function rowsHaveTheirOrganization(table: TablePlan): [Check, ...Check[]] {
  const { relation, tenancy, source } = table;
  const column = ident(tenancy.column);
  const complete = none(
    `every row of ${table.label} has an organization`,
    rowsWhere(relation, `${table.label} without organization`, sql`record.${column} IS NULL`),
  );
  if (source.kind !== "via") return [complete];
  return [
    complete,
    none(
      `every row of ${table.label} is in the organization of its ${source.parent.name}`,
      sql`
        SELECT ${`${table.label} in another organization than its ${source.parent.name}: row `}::text || record.ctid AS violation
          FROM ${ident(relation)} AS record
          JOIN ${ident(source.parent)} AS parent
            ON parent.${ident(source.parentColumn)} = record.${ident(source.column)}
         WHERE parent.${column} <> record.${column}
         LIMIT 5
      `,
    ),
  ];
}
