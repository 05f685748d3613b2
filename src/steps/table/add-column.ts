import { ident, literal, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { columnWhere, exists } from "../model/checks.ts";
import type { Down, TransactionStep } from "../model/step.ts";
import { existingColumn, isFilledByDefault, stepId, type TablePlan } from "../model/table-plan.ts";
import { attributeRows, stopAttributing } from "./attribution.ts";
import { foreignKeyNotValid } from "./constraints.ts";

/**
 * Adds the column, with a default or a trigger that sets it for new rows: the old application keeps
 * working until Day 3 ends.
 */
export function addColumn(table: TablePlan): TransactionStep {
  const { relation, tenancy } = table;
  return {
    id: stepId(table, "column"),
    title: existingColumn(table) ? "complete the column" : "add the column",
    table: relation,
    mode: "transaction",
    lock: {
      level: "ACCESS EXCLUSIVE",
      // A foreign key locks the table that it references too, against its writers.
      on: addsForeignKey(table) ? [relation, tenancy.organizations] : [relation],
    },
    up: columnUp(table),
    down: columnDown(table),
    verify: [
      exists(
        `${table.label}.${tenancy.column} is a uuid`,
        columnWhere(relation, tenancy.column, sql`a.atttypid = 'uuid'::regtype`),
      ),
    ],
  };
}

/** A partitioned table gets its foreign key later, after its partitions. */
function addsForeignKey(table: TablePlan): boolean {
  return isFilledByDefault(table) && table.partitions === undefined;
}

function columnUp(table: TablePlan): Some<Sql> {
  const { relation, tenancy } = table;
  const column = ident(tenancy.column);
  if (existingColumn(table) !== undefined) return attributeRows(table);
  if (isFilledByDefault(table)) {
    const key = addsForeignKey(table) ? sql`,\n  ${foreignKeyNotValid(table)}` : sql``;
    return [
      sql`ALTER TABLE ${ident(relation)}
  ADD COLUMN ${column} uuid NOT NULL DEFAULT ${literal(tenancy.defaultOrganizationId)}${key}`,
      // Existing rows keep the constant; new rows get their writer's organization.
      sql`ALTER TABLE ${ident(relation)}
  ALTER COLUMN ${column} SET DEFAULT ${ident(tenancy.helpers.writingOrganization)}()`,
    ];
  }
  return [
    sql`ALTER TABLE ${ident(relation)}
  ADD COLUMN ${column} uuid`,
    ...attributeRows(table),
  ];
}

function columnDown(table: TablePlan): Down {
  const { relation, tenancy } = table;
  if (existingColumn(table) !== undefined) {
    const loses = `which rows of ${table.label} had no organization before`;
    return { kind: "lossy", sql: stopAttributing(table), loses };
  }
  const drop = sql`ALTER TABLE IF EXISTS ${ident(relation)}
  DROP COLUMN IF EXISTS ${ident(tenancy.column)}`;
  const loses = `which organization each row of ${table.label} belongs to`;
  return isFilledByDefault(table)
    ? { kind: "lossy", sql: [drop], loses }
    : { kind: "lossy", sql: [...stopAttributing(table), drop], loses };
}
