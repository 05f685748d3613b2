import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, list, type RelationName, type Sql, sql } from "../postgres/sql.ts";

/** What a database holds, to be compared with what a restore of it holds. */
export const contentsSchema = z.object({
  tables: z.array(
    z.object({
      schema: z.string(),
      table: z.string(),
      rows: z.number(),
      /** A sum over all rows, which their order does not change. */
      checksum: z.string(),
    }),
  ),
  largeObjects: z.object({ count: z.number(), checksum: z.string() }),
});

export type Contents = z.output<typeof contentsSchema>;

/** Settings under which equal values are equal text, whatever the role or the database prefers. */
export const stableText = {
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  lc_monetary: "C",
  search_path: "pg_catalog",
} as const;

/** A table with the columns that its rows' checksum goes over. */
export type CountedTable = { readonly relation: RelationName; readonly columns: readonly string[] };

/** The tables whose rows a dump holds: an extension brings its own when it is created. */
export async function dumpedTables(queries: Queries): Promise<CountedTable[]> {
  const tables = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             ARRAY(
               SELECT a.attname::text
                 FROM pg_attribute a
                WHERE a.attrelid = c.oid
                  AND a.attnum > 0
                  AND NOT a.attisdropped
                ORDER BY a.attnum
             ) AS columns
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r'
         AND n.nspname NOT IN ('information_schema', 'tenantry')
         AND n.nspname !~ '^pg_'
         AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery())
         AND NOT EXISTS (
               SELECT
                 FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid
                  AND d.deptype = 'e'
             )
       ORDER BY 1, 2
    `,
    z.object({ schema: z.string(), name: z.string(), columns: z.array(z.string()) }),
  );
  return tables.map(({ columns, ...relation }) => ({ relation, columns }));
}

/** Counts and sums every table, and the large objects. Wants a session with `stableText`. */
export async function readContents(
  queries: Queries,
  tables: readonly CountedTable[],
): Promise<Contents> {
  const counted: Contents["tables"] = [];
  for (const table of tables) counted.push(await countTable(queries, table));
  const [largeObjects] = await queries.rows(
    sql`
      SELECT count(*) AS count,
             coalesce(sum(hashtextextended(oid::text || md5(lo_get(oid)), 0)::numeric), 0)::text AS checksum
        FROM pg_largeobject_metadata
    `,
    z.object({ count: z.coerce.number(), checksum: z.string() }),
  );
  if (largeObjects === undefined) throw new Error("the server counted no large objects");
  return { tables: counted, largeObjects };
}

async function countTable(
  queries: Queries,
  { relation, columns }: CountedTable,
): Promise<Contents["tables"][number]> {
  const [row] = await queries.rows(
    sql`
      SELECT count(*) AS rows,
             coalesce(sum(hashtextextended(${rowText(columns)}, 0)::numeric), 0)::text AS checksum
        FROM ONLY ${ident(relation)} AS record
    `,
    z.object({ rows: z.coerce.number(), checksum: z.string() }),
  );
  if (row === undefined) throw new Error(`the server counted nothing in ${relation.name}`);
  return { schema: relation.schema, table: relation.name, ...row };
}

/** A row of these columns as one text, of which only equal rows have the same. */
export function rowText(columns: readonly string[]): Sql {
  const values = columns.map((column) => sql`record.${ident(column)}`);
  return sql`ROW(${list(values)})::text COLLATE "C"`;
}

export type ContentsDifference = { readonly object: string; readonly difference: string };

/** What one holds and the other does not, table by table. */
export function compareContents(before: Contents, after: Contents): ContentsDifference[] {
  const keyOf = ({ schema, table }: { schema: string; table: string }) =>
    JSON.stringify([schema, table]);
  const later = new Map(after.tables.map((table) => [keyOf(table), table]));
  const differences: ContentsDifference[] = [];
  for (const table of before.tables) {
    const object = `${table.schema}.${table.table}`;
    const now = later.get(keyOf(table));
    later.delete(keyOf(table));
    if (now === undefined) differences.push({ object, difference: "is missing" });
    else if (now.rows !== table.rows) {
      differences.push({ object, difference: `had ${table.rows} rows and has ${now.rows}` });
    } else if (now.checksum !== table.checksum) {
      differences.push({ object, difference: `has ${now.rows} rows, and not the same` });
    }
  }
  for (const { schema, table } of later.values()) {
    differences.push({ object: `${schema}.${table}`, difference: "was not in the backup" });
  }
  const { largeObjects } = before;
  if (
    largeObjects.count !== after.largeObjects.count ||
    largeObjects.checksum !== after.largeObjects.checksum
  ) {
    const difference = `were ${largeObjects.count} and are ${after.largeObjects.count}, or not the same`;
    differences.push({ object: "large objects", difference });
  }
  return differences;
}
