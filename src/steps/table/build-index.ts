import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { columnWhere, exists } from "../model/checks.ts";
import type { OnlineStep } from "../model/step.ts";
import { namesOf, stepId, type TablePlan } from "../model/table-plan.ts";

/** Whether a suitable index exists already: valid, not partial, and beginning with the organization. */
export function hasServingIndex(table: TablePlan): boolean {
  return table.existing.indexes.some(
    ({ columns, valid, partial }) => valid && !partial && columns[0] === table.tenancy.column,
  );
}

/** The index on the organization, under the plan's name, built without blocking writers. */
export function buildIndex(table: TablePlan): OnlineStep {
  const { relation } = table;
  const index = { schema: relation.schema, name: namesOf(table).index };
  return {
    id: stepId(table, "index"),
    title: "build the index",
    table: relation,
    mode: "online",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [relation] },
    up: indexStatement(table, "CONCURRENTLY "),
    state: indexState(index, relation),
    clean: sql`DROP INDEX CONCURRENTLY IF EXISTS ${ident(index)}`,
    down: { kind: "exact", sql: [sql`DROP INDEX IF EXISTS ${ident(index)}`] },
    verify: [servingIndex(table)],
  };
}

/** The state of the concurrent build of an index, for an online step. */
export function indexState(index: RelationName, relation: RelationName): Sql {
  return sql`
      SELECT CASE
               WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) THEN 'building'
               WHEN i.indisvalid THEN 'done'
               ELSE 'broken'
             END AS state
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class t ON t.oid = i.indrelid
       WHERE n.nspname = ${index.schema}
         AND c.relname = ${index.name}
         AND t.relname = ${relation.name}
       UNION ALL
      SELECT 'absent'
       LIMIT 1
    `;
}

/** CREATE INDEX, concurrently or in the transaction of a small table. */
export function indexStatement(table: TablePlan, how: "CONCURRENTLY " | ""): Sql {
  const word = how === "" ? sql`INDEX` : sql`INDEX CONCURRENTLY`;
  return sql`CREATE ${word} ${ident(namesOf(table).index)}
  ON ${ident(table.relation)} (${ident(table.tenancy.column)})`;
}

/** The check that a valid index begins with the organization. */
export function servingIndex(table: TablePlan): ReturnType<typeof exists> {
  return exists(
    `${table.label} has a valid index that begins with ${table.tenancy.column}`,
    columnWhere(
      table.relation,
      table.tenancy.column,
      sql`EXISTS (SELECT FROM pg_index i
                   WHERE i.indrelid = c.oid
                     AND i.indkey[0] = a.attnum
                     AND i.indisvalid
                     AND i.indpred IS NULL)`,
    ),
  );
}
