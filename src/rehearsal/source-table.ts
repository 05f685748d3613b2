import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

const referenceSchema = z.object({
  columns: z.array(z.string()),
  /** The tables with the referenced rows: one table, or the partitions of one. */
  parents: z.array(z.string()),
  parentColumns: z.array(z.string()),
  /** The equality operators of the foreign key, one for each column. */
  operators: z.array(z.object({ schema: z.string(), name: z.string() })),
});

const sourceTableSchema = z.object({
  id: z.string(),
  schema: z.string(),
  name: z.string(),
  /** Without generated columns. */
  columns: z.array(z.string()),
  primaryKey: z.array(z.string()),
  references: z.array(referenceSchema),
  estimatedRows: z.coerce.number(),
});

export type Reference = z.output<typeof referenceSchema>;

/** A table that stores rows, and its foreign keys. Each partition is a table here. */
export type SourceTable = z.output<typeof sourceTableSchema>;

/** Reads all tables that do not belong to an extension. */
export function readSourceTables(queries: Queries): Promise<SourceTable[]> {
  return queries.rows(sourceTables, sourceTableSchema);
}

const sourceTables: Sql = sql`
  SELECT c.oid::text AS id,
         n.nspname::text AS schema,
         c.relname::text AS name,
         c.reltuples AS "estimatedRows",
         (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
            FROM pg_attribute a
           WHERE a.attrelid = c.oid
             AND a.attnum > 0
             AND NOT a.attisdropped
             AND a.attgenerated = '') AS columns,
         (SELECT coalesce(json_agg(a.attname ORDER BY key.position), '[]')
            FROM pg_constraint k
            CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS key (number, position)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
           WHERE k.conrelid = c.oid
             AND k.contype = 'p') AS "primaryKey",
         (SELECT coalesce(json_agg(json_build_object(
                   'columns', (SELECT json_agg(a.attname ORDER BY key.position)
                                 FROM unnest(k.conkey) WITH ORDINALITY AS key (number, position)
                                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number),
                   'parents', (SELECT coalesce(json_agg(parent.relid::oid::text), '[]')
                                 FROM (SELECT k.confrelid AS relid
                                        WHERE p.relkind = 'r'
                                        UNION ALL
                                       SELECT tree.relid
                                         FROM pg_partition_tree(k.confrelid) AS tree
                                        WHERE p.relkind = 'p'
                                          AND tree.isleaf) AS parent),
                   'parentColumns', (SELECT json_agg(a.attname ORDER BY key.position)
                                       FROM unnest(k.confkey) WITH ORDINALITY AS key (number, position)
                                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number),
                   'operators', (SELECT json_agg(json_build_object('schema', ons.nspname, 'name', o.oprname)
                                                 ORDER BY key.position)
                                   FROM unnest(k.conpfeqop) WITH ORDINALITY AS key (operator, position)
                                   JOIN pg_operator o ON o.oid = key.operator
                                   JOIN pg_namespace ons ON ons.oid = o.oprnamespace)
                 ) ORDER BY k.conname), '[]')
            FROM pg_constraint k
            JOIN pg_class p ON p.oid = k.confrelid
           WHERE k.conrelid = c.oid
             AND k.contype = 'f'
             -- PostgreSQL stores a key that references a partitioned table once more for each partition.
             AND NOT EXISTS (SELECT FROM pg_constraint wider
                              WHERE wider.conrelid = k.conrelid
                                AND wider.contype = 'f'
                                AND wider.conkey = k.conkey
                                AND wider.confrelid <> k.confrelid
                                AND wider.confrelid IN (SELECT pg_partition_ancestors(k.confrelid)))) AS "references"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r'
     AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = c.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, c.relname
`;
