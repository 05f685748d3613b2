import { type Sql, sql } from "../../postgres/sql.ts";

/**
 * Options of columns, from the manual of ALTER TABLE. A server can have internal ones too: since November
 * 2026 each column has a number (pg_attver), which differs between databases.
 */
export const columnOptions: readonly string[] = ["n_distinct", "n_distinct_inherited"];

/** Options of views, by the manual of CREATE VIEW. */
export const viewOptions: readonly string[] = [
  "check_option",
  "security_barrier",
  "security_invoker",
];

/** Storage parameters of tables, by the manuals of CREATE TABLE from 14 to 18. */
const tableOptions: readonly string[] = [
  "autovacuum_analyze_scale_factor",
  "autovacuum_analyze_threshold",
  "autovacuum_enabled",
  "autovacuum_freeze_max_age",
  "autovacuum_freeze_min_age",
  "autovacuum_freeze_table_age",
  "autovacuum_multixact_freeze_max_age",
  "autovacuum_multixact_freeze_min_age",
  "autovacuum_multixact_freeze_table_age",
  "autovacuum_vacuum_cost_delay",
  "autovacuum_vacuum_cost_limit",
  "autovacuum_vacuum_insert_scale_factor",
  "autovacuum_vacuum_insert_threshold",
  "autovacuum_vacuum_max_threshold",
  "autovacuum_vacuum_scale_factor",
  "autovacuum_vacuum_threshold",
  "fillfactor",
  "log_autovacuum_min_duration",
  "parallel_workers",
  "toast_tuple_target",
  "user_catalog_table",
  "vacuum_index_cleanup",
  "vacuum_max_eager_freeze_failure_rate",
  "vacuum_truncate",
];

/** Options of relations that are no indexes: those of an index are printed with its definition. */
export const relationOptions: readonly string[] = [...viewOptions, ...tableOptions];

/**
 * The known ones of an array of `name=value`, in the order of their names, as text; NULL without any.
 * @param options the array, as SQL
 */
export function knownOptions(options: Sql, known: readonly string[]): Sql {
  return sql`
    (SELECT array_agg(o ORDER BY o COLLATE "C")::text
       FROM unnest(${options}) AS o
      WHERE split_part(o, '=', 1) = ANY (${known}::text[]))
  `;
}

/**
 * The known ones among printed options, in order: `{b=1,a=2,other=3}` is `{a=2,b=1}`.
 * @returns an empty text if none is known
 */
export function onlyKnown(printed: string, known: readonly string[]): string {
  const kept = [...printed.matchAll(/"(?:[^"\\]|\\.)*"|[^{},"]+/gs)]
    .map(([option]) => option)
    .filter((option) => known.includes(option.replace(/^"/, "").split("=", 1)[0] ?? ""));
  return kept.length === 0 ? "" : `{${kept.sort().join(",")}}`;
}
