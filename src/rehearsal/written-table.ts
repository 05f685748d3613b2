import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type RelationName, type Sql, sql } from "../postgres/sql.ts";

const columnSchema = z.object({
  name: z.string(),
  /** Whether only PostgreSQL may set it: generated, or GENERATED ALWAYS AS IDENTITY. */
  serverOnly: z.boolean(),
  /** Whether a row that does not set it gets a value: default, identity, domain. */
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
  /** Including the primary key's. */
  uniqueIndexes: z.array(uniqueIndexSchema),
  exclusionConstraints: z.array(z.string()),
  pages: z.coerce.number(),
});

/** The properties of a table that decide how an application can write to it. */
export type WrittenTable = z.output<typeof writtenTableSchema>;

/** Reads them from the catalog; undefined if the table does not exist. */
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
         (SELECT coalesce(json_agg(a.attname ORDER BY key.position), '[]')
            FROM pg_index i
            CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS key (number, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
           WHERE i.indrelid = c.oid
             AND i.indisprimary
             AND key.position <= i.indnkeyatts) AS "primaryKey",
         (SELECT coalesce(json_agg(json_build_object(
                   'name', ic.relname,
                   'columns', (SELECT coalesce(json_agg(a.attname), '[]')
                                 FROM unnest(i.indkey) WITH ORDINALITY AS key (number, position)
                                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
                                WHERE key.number > 0
                                  AND key.position <= i.indnkeyatts)
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
