import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type RelationName, type Sql, sql } from "../postgres/sql.ts";

const columnSchema = z.object({
  name: z.string(),
  /** Whether PostgreSQL computes it, or is the only one who may number it. */
  serverOnly: z.boolean(),
  /** Whether a row that does not say it has a value all the same: default, identity, domain. */
  hasDefault: z.boolean(),
});

const uniqueIndexSchema = z.object({
  name: z.string(),
  /** Without expressions. */
  columns: z.array(z.string()),
});

const writtenTableSchema = z.object({
  columns: z.array(columnSchema),
  primaryKey: z.array(z.string()),
  /** The primary key's too. */
  uniqueIndexes: z.array(uniqueIndexSchema),
  exclusionConstraints: z.array(z.string()),
  pages: z.coerce.number(),
});

/** What of a table decides how an application can write to it. */
export type WrittenTable = z.output<typeof writtenTableSchema>;

/** Reads it from the catalog; undefined where there is no table of that name. */
export async function readWrittenTable(
  queries: Queries,
  relation: RelationName,
): Promise<WrittenTable | undefined> {
  const [table] = await queries.rows(writtenTable(relation), writtenTableSchema);
  return table;
}

const writtenTable = ({ schema, name }: RelationName): Sql => sql`
  SELECT (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname,
                   'serverOnly', a.attgenerated <> '' OR a.attidentity = 'a',
                   'hasDefault', a.attgenerated = ''
                                 AND (a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL)
                 ) ORDER BY a.attnum), '[]')
            FROM pg_attribute a
            JOIN pg_type t ON t.oid = a.atttypid
           WHERE a.attrelid = c.oid
             AND a.attnum > 0
             AND NOT a.attisdropped) AS columns,
         (SELECT coalesce(json_agg(a.attname ORDER BY key.place), '[]')
            FROM pg_index i
            CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
           WHERE i.indrelid = c.oid
             AND i.indisprimary
             AND key.place <= i.indnkeyatts) AS "primaryKey",
         (SELECT coalesce(json_agg(json_build_object(
                   'name', ic.relname,
                   'columns', (SELECT coalesce(json_agg(a.attname), '[]')
                                 FROM unnest(i.indkey) WITH ORDINALITY AS key (number, place)
                                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
                                WHERE key.number > 0
                                  AND key.place <= i.indnkeyatts)
                 ) ORDER BY ic.relname), '[]')
            FROM pg_index i
            JOIN pg_class ic ON ic.oid = i.indexrelid
           WHERE i.indrelid = c.oid
             AND i.indisunique) AS "uniqueIndexes",
         (SELECT coalesce(json_agg(k.conname ORDER BY k.conname), '[]')
            FROM pg_constraint k
           WHERE k.conrelid = c.oid
             AND k.contype = 'x') AS "exclusionConstraints",
         pg_relation_size(c.oid) / current_setting('block_size')::integer AS pages
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p')
     AND n.nspname = ${schema}
     AND c.relname = ${name}
`;
