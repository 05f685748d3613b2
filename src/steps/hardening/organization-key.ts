import { ident, list, sql } from "../../postgres/sql.ts";
import { exists, relationWhere } from "../model/checks.ts";
import { freeName } from "../model/naming.ts";
import type { OnlineStep } from "../model/step.ts";
import type { TablePlan } from "../model/table-plan.ts";
import { indexState } from "../table/build-index.ts";

/**
 * The unique index over the organization and the columns that a foreign key references.
 * @param taken names that relations of its schema have
 */
export function organizationKey(
  parent: TablePlan,
  referenced: readonly string[],
  taken: readonly string[],
): OnlineStep {
  const columns = [parent.tenancy.column, ...referenced];
  const index = {
    schema: parent.relation.schema,
    name: freeName([parent.relation.name, ...columns].join("_"), "_key", taken),
  };
  const covers = sql`(SELECT array_agg(a.attname::text ORDER BY key.place)
                        FROM unnest(i.indkey) WITH ORDINALITY AS key (number, place)
                        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number) = ${columns}::text[]`;
  return {
    id: `day3/${parent.label}/${referenced.join(",")}/organization-key`,
    title: "build the key that foreign keys reference with the organization",
    table: parent.relation,
    mode: "online",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [parent.relation] },
    makes: [{ kind: "unique index", index }],
    up: sql`CREATE UNIQUE INDEX CONCURRENTLY ${ident(index.name)}
  ON ${ident(parent.relation)} (${list(columns.map((name) => ident(name)))})`,
    state: indexState(index, parent.relation),
    clean: sql`DROP INDEX CONCURRENTLY IF EXISTS ${ident(index)}`,
    down: { kind: "exact", sql: [sql`DROP INDEX IF EXISTS ${ident(index)}`] },
    verify: [
      exists(
        `${parent.label} has a unique index over ${columns.join(", ")}`,
        relationWhere(
          parent.relation,
          sql`EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND ${covers})`,
        ),
      ),
    ],
  };
}
