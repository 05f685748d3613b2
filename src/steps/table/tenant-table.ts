import { ident, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { organizationOf } from "../model/sources.ts";
import { type Down, type Step, statementsOf, type TransactionStep } from "../model/step.ts";
import {
  existingColumn,
  existingForeignKey,
  isFilledByDefault,
  namesOf,
  stepId,
  type TablePlan,
} from "../model/table-plan.ts";
import { partitionedTable } from "../partitioned/partitioned-table.ts";
import { addColumn } from "./add-column.ts";
import { backfill, rowsHaveTheirOrganization, silenceTriggers } from "./backfill.ts";
import { buildIndex, hasServingIndex, indexStatement, servingIndex } from "./build-index.ts";
import {
  analyze,
  constrain,
  foreignKey,
  foreignKeyHolds,
  foreignKeyNotValid,
  needsForeignKey,
  needsNotNull,
  validate,
} from "./constraints.ts";
import { fence, fenceDown } from "./fence.ts";
import { columnIsNotNull, setNotNull } from "./not-null.ts";
import {
  restoreLeftOverRows,
  restoreRows,
  restoreRowsAtOnce,
  rowsAreBack,
} from "./restore-kept.ts";
import { validation } from "./validation.ts";

/** Even empty partitions take some milliseconds each, while all are locked. */
const mostPartitionsAtOnce = 24;

/**
 * All that makes a table a tenant table: add column → backfill → index → NOT NULL → RLS. The index comes
 * after the backfill, which would otherwise maintain it row by row; no query uses it before the fence.
 * For a partitioned table the index comes first, so that PostgreSQL creates it on new partitions too.
 */
export function tenantTable(table: TablePlan, smallTableInBytes: number): Some<Step> {
  const { bytes } = table.existing;
  const parts = table.partitions ?? [];
  if (bytes <= smallTableInBytes && parts.length <= mostPartitionsAtOnce)
    return [inOneTransaction(table)];
  const column = filled(table, addColumn(table));
  return table.partitions === undefined
    ? online(table, column)
    : partitionedTable(table, table.partitions, column);
}

function online(table: TablePlan, column: TransactionStep): Some<Step> {
  return [
    column,
    ...(table.kept === undefined
      ? []
      : [restoreRows(table, table.kept), restoreLeftOverRows(table, table.kept)]),
    ...(needsNotNull(table) ? [backfill(table)] : []),
    ...(hasServingIndex(table) ? [] : [buildIndex(table)]),
    ...(needsNotNull(table) || needsForeignKey(table) ? [constrain(table)] : []),
    validate(table),
    ...(needsNotNull(table) ? [setNotNull(table)] : []),
    fence(table),
  ];
}

/** Where the column's default sets the organization of every row, the first step verifies it. */
function filled(table: TablePlan, step: TransactionStep): TransactionStep {
  if (!isFilledByDefault(table)) return step;
  return {
    ...step,
    title: "add the column, filled by its default",
    verify: [...step.verify, columnIsNotNull(table)],
  };
}

/** A small table gets all of its steps in one transaction: writers wait once, for milliseconds. */
function inOneTransaction(table: TablePlan): TransactionStep {
  const column = addColumn(table);
  const closing = fence(table);
  const parts = table.partitions ?? [];
  const [firstUp, ...furtherUp] = column.up;
  return {
    id: stepId(table, "all-at-once"),
    title: "column, index, backfill, NOT NULL and row-level security in one transaction",
    table: table.relation,
    mode: "transaction",
    lock: {
      level: "ACCESS EXCLUSIVE",
      on:
        existingForeignKey(table) === undefined
          ? [table.relation, table.tenancy.organizations]
          : [table.relation],
    },
    up: [
      firstUp,
      ...furtherUp,
      // An index that is built after the UPDATE is not used by transactions older than this one.
      ...(hasServingIndex(table) ? [] : [indexStatement(table, "")]),
      ...(table.kept === undefined ? [] : restoreRowsAtOnce(table, table.kept)),
      ...(needsNotNull(table) ? fillRows(table) : []),
      ...(needsForeignKey(table) ? [addForeignKey(table)] : []),
      validation(table.relation, namesOf(table).foreignKey),
      analyze(table),
      ...parts.flatMap((part) => fence(part).up),
      ...closing.up,
    ],
    down: undoAll(table, column),
    verify: [
      ...column.verify,
      servingIndex(table),
      ...(table.kept === undefined ? [] : [rowsAreBack(table, table.kept)]),
      ...rowsHaveTheirOrganization(table),
      columnIsNotNull(table),
      foreignKeyHolds(table),
      ...closing.verify,
    ],
  };
}

function fillRows(table: TablePlan): Sql[] {
  const on = ident(table.relation);
  const column = ident(table.tenancy.column);
  const { triggersMayBeSilenced } = table;
  return [
    ...(triggersMayBeSilenced ? [silenceTriggers] : []),
    sql`UPDATE ${on} AS record
   SET ${column} = ${organizationOf(table.source, table.unattributed, table.tenancy)}
 WHERE record.${column} IS NULL`,
    ...(triggersMayBeSilenced ? [sql`SET LOCAL session_replication_role = origin`] : []),
    // ALTER TABLE refuses a table with pending trigger events (55006).
    sql`SET CONSTRAINTS ALL IMMEDIATE`,
    sql`ALTER TABLE ${on}
  ALTER COLUMN ${column} SET NOT NULL`,
  ];
}

function undoAll(table: TablePlan, column: TransactionStep): Down {
  const index = { schema: table.relation.schema, name: namesOf(table).index };
  const undo: Some<Sql> = [
    ...fenceDown(table).sql,
    ...(table.partitions ?? []).flatMap((part) => fenceDown(part).sql),
    ...(hasServingIndex(table) ? [] : [sql`DROP INDEX IF EXISTS ${ident(index)}`]),
    ...(needsForeignKey(table) && existingColumn(table) ? [dropForeignKey(table)] : []),
    ...(needsNotNull(table) ? statementsOf(setNotNull(table).down) : []),
    ...statementsOf(column.down),
  ];
  return column.down.kind === "lossy"
    ? { kind: "lossy", sql: undo, loses: column.down.loses }
    : { kind: "exact", sql: undo };
}

function addForeignKey(table: TablePlan): Sql {
  const key = table.partitions === undefined ? foreignKeyNotValid(table) : foreignKey(table);
  return sql`ALTER TABLE ${ident(table.relation)}\n  ${key}`;
}

/** DROP COLUMN also drops the foreign key; where the column stays, the key is dropped by itself. */
function dropForeignKey(table: TablePlan): Sql {
  return sql`ALTER TABLE IF EXISTS ${ident(table.relation)}
  DROP CONSTRAINT IF EXISTS ${ident(namesOf(table).foreignKey)}`;
}
