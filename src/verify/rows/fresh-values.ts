import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { madeUp, type RowColumn } from "./insert-like.ts";

/**
 * Values with which a copy of a row is no duplicate: for the columns of every unique index, those that
 * include the organization too. A column that references a row becomes NULL where it may.
 */
export async function freshValues(
  queries: Queries,
  relation: RelationName,
  columns: readonly RowColumn[],
): Promise<ReadonlyMap<string, Sql>> {
  const unique = await queries.rows(
    sql`
      SELECT a.attname::text AS name,
             NOT a.attnotnull AS nullable
        FROM pg_attribute a
       WHERE a.attrelid = ${textOf(ident(relation))}::text::regclass
         AND EXISTS (SELECT
                       FROM pg_index i
                      WHERE i.indrelid = a.attrelid
                        AND i.indisunique
                        AND a.attnum = ANY (i.indkey))
    `,
    z.object({ name: z.string(), nullable: z.boolean() }),
  );
  const values = unique.flatMap(({ name, nullable }): (readonly [string, Sql])[] => {
    const column = columns.find((one) => one.name === name);
    if (column === undefined || !column.given || column.partitions) return [];
    if (column.references) return nullable ? [[name, sql`NULL`]] : [];
    const value = madeUp(column);
    return value === undefined ? [] : [[name, value]];
  });
  return new Map(values);
}
