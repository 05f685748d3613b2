import { ident, list, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { exists, forNow, relationWhere } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { namesOf, type PartitionPlan, stepId, type TablePlan } from "../model/table-plan.ts";

type Undone = "down";

/** The index of a partitioned table (ON ONLY). It becomes valid when each partition's index is attached. */
export function indexOfPartitioned(
  table: TablePlan | PartitionPlan,
): Omit<TransactionStep, Undone> {
  const { relation } = table;
  const create = sql`CREATE INDEX ${ident(namesOf(table).index)}
  ON ONLY ${ident(relation)} (${ident(table.tenancy.column)})`;
  return {
    id: stepId(table, "parent-index"),
    title: "create the index that the partitions' indexes are attached to",
    table: relation,
    mode: "transaction",
    lock: { level: "SHARE", on: [relation] },
    up: "partitionOf" in table ? [create, attachment(table)] : [create],
    verify: [isThere(table)],
  };
}

/** Attaches a partition's index to its parent's. Queries of that partition wait meanwhile. */
export function attachIndex(table: PartitionPlan): Omit<TransactionStep, Undone> {
  const { relation } = table;
  return {
    id: stepId(table, "attach-index"),
    title: "attach the index",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [indexOf(table)] },
    up: [attachment(table)],
    verify: [
      exists(
        `the index of ${table.label} is attached to its parent's`,
        relationWhere(indexOf(table), sql`c.relispartition`),
      ),
    ],
  };
}

/** Drops the plan's indexes of tables and partitions, as far as they exist. */
export function dropIndexes(tables: readonly (TablePlan | PartitionPlan)[]): Sql {
  return sql`DROP INDEX IF EXISTS ${list(tables.map((table) => ident(indexOf(table))))}`;
}

function attachment(partition: PartitionPlan): Sql {
  const { schema } = partition.partitionOf;
  const parent = namesOf({ ...partition, relation: partition.partitionOf }).index;
  return sql`ALTER INDEX ${ident({ schema, name: parent })}
  ATTACH PARTITION ${ident(indexOf(partition))}`;
}

function indexOf(table: TablePlan | PartitionPlan): RelationName {
  return { schema: table.relation.schema, name: namesOf(table).index };
}

function isThere(table: TablePlan | PartitionPlan) {
  return forNow(exists(`${table.label} has its index`, relationWhere(indexOf(table), sql`TRUE`)));
}
