import { rowNamedBy, rowOf } from "../../catalog/orphans.ts";
import type { Relation } from "../../catalog/relations.ts";
import { ident, type RelationName, type Sql, sql, textOf } from "../../postgres/sql.ts";
import type { Check } from "./step.ts";

/** A lasting check that passes where the query returns a row. */
export function exists(claim: string, query: Sql): Check {
  return {
    claim,
    lasting: true,
    violations: sql`
      SELECT ${`does not hold: ${claim}`}::text AS violation
       WHERE NOT EXISTS (${query})
    `,
  };
}

/** A lasting check that passes where the query returns no row; its column is one text, `violation`. */
export function none(claim: string, violations: Sql): Check {
  return { claim, lasting: true, violations };
}

/** The same check, made after its own step only: later it may not pass any more. */
export function forNow(check: Check): Check {
  return { ...check, lasting: false };
}

/** The query that finds a column, with a further condition on it (`a` is pg_attribute). */
export function columnWhere(relation: RelationName, column: string, condition: Sql): Sql {
  return sql`SELECT FROM pg_attribute a
               JOIN pg_class c ON c.oid = a.attrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace
               LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
              WHERE n.nspname = ${relation.schema}
                AND c.relname = ${relation.name}
                AND a.attname = ${column}
                AND NOT a.attisdropped
                AND ${condition}`;
}

/** The query that finds a relation, with a further condition on it (`c` is pg_class). */
export function relationWhere(relation: RelationName, condition: Sql): Sql {
  return sql`SELECT FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = ${relation.schema}
                AND c.relname = ${relation.name}
                AND ${condition}`;
}

/** The query that finds a policy, with a further condition on it (`p` is pg_policy). */
export function policyWhere(relation: RelationName, name: string, condition: Sql): Sql {
  return relationWhere(
    relation,
    sql`EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = ${name} AND ${condition})`,
  );
}

/** A table and its indexes, by whose primary key its rows are named. */
export type KeyedTable = {
  readonly relation: RelationName;
  readonly existing: Pick<Relation, "indexes">;
};

/** The rows of a table that meet a condition, five at most, each with its primary key. */
export function rowsWhere(table: KeyedTable, what: string, condition: Sql): Sql {
  return sql`
    SELECT ${violationOf(table, what)} AS violation
      FROM ${ident(table.relation)} AS record
     WHERE ${condition}
     LIMIT 5
  `;
}

/** A violation by the row `record` of a table: with its primary key, and with its partition where it is in one. */
export function violationOf({ relation, existing }: KeyedTable, what: string): Sql {
  const key = rowNamedBy(existing.indexes);
  return sql`${`${what}: ${key} `}::text || ${rowOf(existing.indexes)}
           || CASE WHEN record.tableoid <> to_regclass(${textOf(ident(relation))})
                   THEN ' of ' || record.tableoid::regclass
                   ELSE ''
              END`;
}
