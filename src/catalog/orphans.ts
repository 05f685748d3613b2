import { ident, list, raw, type Sql, sql } from "../postgres/sql.ts";
import type { ForeignKey, Index, Relation } from "./relations.ts";

/** A foreign key with its table. */
export type Referencing = {
  readonly relation: Pick<Relation, "schema" | "name" | "indexes">;
  readonly label: string;
  readonly key: ForeignKey;
};

/** How many rows are named. */
const named = 5;

/** Whether `parent` is the row that `record` refers to, compared as the foreign key compares. */
export function refersTo({ columns, referencedColumns, operators }: ForeignKey): Sql {
  const compared = columns.map(
    (own, place) =>
      sql`parent.${ident(referencedColumns[place] ?? "")} ${raw(operators[place] ?? "=")} record.${ident(own)}`,
  );
  return list(compared, " AND ");
}

/** Whether the row that `record` refers to is missing; with a NULL in its columns, it refers to none. */
function refersToNothing({ key }: Referencing): Sql {
  const given = key.columns.map((own) => sql`record.${ident(own)} IS NOT NULL`);
  return list(
    [
      ...given,
      sql`NOT EXISTS (SELECT FROM ${ident({ schema: key.schema, name: key.table })} AS parent WHERE ${refersTo(key)})`,
    ],
    " AND ",
  );
}

/** A query for the rows that violate a foreign key, for people. */
export function orphanRows(referencing: Referencing): Sql {
  const { schema, name } = referencing.relation;
  return sql`SELECT * FROM ${ident({ schema, name })} AS record WHERE ${refersToNothing(referencing)}`;
}

/** If rows violate a foreign key, one text `violation`: how many of how many, and some of them. */
export function orphans(referencing: Referencing): Sql {
  const { relation, label, key } = referencing;
  const on = ident({ schema: relation.schema, name: relation.name });
  const number = (count: Sql) => sql`to_char(${count}, 'FM999,999,999,999,999')`;
  return sql`
    WITH orphan AS (
      SELECT ${rowOf(relation.indexes)} AS identity
        FROM ${on} AS record
       WHERE ${refersToNothing(referencing)}
       ORDER BY ${inOrder(relation.indexes)}
    )
    SELECT format('%s of %s %s refer to a missing row of %s (%s %s%s)',
                  ${number(sql`found.many`)},
                  ${number(sql`(SELECT count(*) FROM ${on})`)},
                  ${label}::text,
                  ${key.table}::text,
                  ${rowNamedBy(relation.indexes)}::text,
                  (SELECT string_agg(few.identity, ', ') FROM (SELECT identity FROM orphan LIMIT ${named}) AS few),
                  CASE WHEN found.many > ${named} THEN ', …' ELSE '' END) AS violation
      FROM (SELECT count(*) AS many FROM orphan) AS found
     WHERE found.many > 0
  `;
}

/** What identifies the row `record`: its primary key, or its ctid without one. */
export function rowOf(indexes: readonly Index[]): Sql {
  const columns = primaryKey(indexes).map((column) => sql`record.${ident(column)}`);
  const [only, ...others] = columns;
  if (only === undefined) return sql`record.ctid::text`;
  return others.length === 0
    ? sql`${only}::text`
    : sql`format('(%s)', concat_ws(', ', ${list(columns)}))`;
}

/** What to order rows `record` by. */
export function inOrder(indexes: readonly Index[]): Sql {
  const columns = primaryKey(indexes).map((column) => sql`record.${ident(column)}`);
  return columns.length === 0 ? sql`record.ctid` : list(columns);
}

/** The name of what `rowOf` gives. */
export function rowNamedBy(indexes: readonly Index[]): string {
  const columns = primaryKey(indexes);
  if (columns.length === 0) return "ctid";
  return columns.length === 1 ? columns.join() : `(${columns.join(", ")})`;
}

function primaryKey(indexes: readonly Index[]): string[] {
  const columns = indexes.find(({ primary }) => primary)?.columns ?? [];
  return columns.filter((column) => column !== null);
}
