import { z } from "zod";
import { ident, type Sql, sql } from "../postgres/sql.ts";

const actionSchema = z.enum(["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]);

export const foreignKeySchema = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  schema: z.string(),
  table: z.string(),
  referencedColumns: z.array(z.string()),
  onUpdate: actionSchema,
  onDelete: actionSchema,
  /** The columns that ON DELETE sets; null for all. PostgreSQL 15 and later. */
  onDeleteSets: z.array(z.string()).nullable(),
  /** MATCH FULL: all of its columns are NULL, or none. */
  matchFull: z.boolean(),
  deferrable: z.enum(["no", "immediate", "deferred"]),
  valid: z.boolean(),
  /** Whether its last column is a PERIOD. PostgreSQL 18 and later. */
  temporal: z.boolean(),
  /** The operator that compares a referenced column with the referencing one, for each column, as SQL. */
  operators: z.array(z.string()),
  comment: z.string().nullable(),
  /** Whether it was defined on this table, and not inherited from a parent. */
  own: z.boolean(),
});

export const indexSchema = z.object({
  name: z.string(),
  /** Its key columns, without those of INCLUDE. Null for an expression. */
  columns: z.array(z.string().nullable()),
  unique: z.boolean(),
  valid: z.boolean(),
  partial: z.boolean(),
  /** NULLS NOT DISTINCT: two NULLs are the same value. PostgreSQL 15 and later. */
  nullsNotDistinct: z.boolean(),
  /** As pg_get_indexdef prints it, with its tablespace if it is not the default of the database. */
  definition: z.string(),
  /** Its key columns and expressions as SQL, with the index's collation. */
  keys: z.array(z.string()),
  /** Its WHERE as SQL. */
  predicate: z.string().nullable(),
  primary: z.boolean(),
  /** Whether it is used by a foreign key, as replica identity, or by a rule or a function (ON CONFLICT ON CONSTRAINT). */
  needed: z.boolean(),
  /** Its unique constraint, as pg_get_constraintdef prints it. */
  constraint: z.string().nullable(),
  constraintComment: z.string().nullable(),
  comment: z.string().nullable(),
  /** Whether CLUSTER uses it. */
  clustered: z.boolean(),
  /** Statistics targets of its expressions, by column number. */
  statistics: z.array(z.object({ place: z.number(), target: z.number() })),
});

export type Index = z.output<typeof indexSchema>;
export type ForeignKey = z.output<typeof foreignKeySchema>;

/** The action of a foreign key as SQL (`k` is pg_constraint). */
function action(column: string): Sql {
  return sql`CASE k.${ident(column)}
                     WHEN 'a' THEN 'NO ACTION'
                     WHEN 'r' THEN 'RESTRICT'
                     WHEN 'c' THEN 'CASCADE'
                     WHEN 'n' THEN 'SET NULL'
                     WHEN 'd' THEN 'SET DEFAULT'
                   END`;
}

/** The foreign keys of the relation `c` (pg_class), as JSON. */
export const foreignKeys: Sql = sql`
  (SELECT coalesce(json_agg(json_build_object(
            'name', k.conname,
            'columns', (SELECT json_agg(a.attname ORDER BY key.place)
                          FROM unnest(k.conkey) WITH ORDINALITY AS key (number, place)
                          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number),
            'schema', fn.nspname,
            'table', f.relname,
            'referencedColumns', (SELECT json_agg(a.attname ORDER BY key.place)
                                    FROM unnest(k.confkey) WITH ORDINALITY AS key (number, place)
                                    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number),
            'onUpdate', ${action("confupdtype")},
            'onDelete', ${action("confdeltype")},
            -- The column is missing before PostgreSQL 15.
            'onDeleteSets', (SELECT json_agg(a.attname ORDER BY a.attnum)
                               FROM pg_attribute a
                              WHERE a.attrelid = k.conrelid
                                AND to_jsonb(k) -> 'confdelsetcols' @> to_jsonb(a.attnum)),
            'matchFull', k.confmatchtype = 'f',
            'deferrable', CASE
                            WHEN NOT k.condeferrable THEN 'no'
                            WHEN k.condeferred THEN 'deferred'
                            ELSE 'immediate'
                          END,
            'valid', k.convalidated,
            'temporal', coalesce((to_jsonb(k) ->> 'conperiod')::boolean, FALSE),
            'operators', (SELECT json_agg(CASE
                                            WHEN o.oprnamespace = 'pg_catalog'::regnamespace THEN o.oprname::text
                                            ELSE format('OPERATOR(%I.%s)', s.nspname, o.oprname)
                                          END ORDER BY compared.place)
                            FROM unnest(k.conpfeqop) WITH ORDINALITY AS compared (operator, place)
                            JOIN pg_operator o ON o.oid = compared.operator
                            JOIN pg_namespace s ON s.oid = o.oprnamespace),
            'comment', obj_description(k.oid, 'pg_constraint'),
            'own', k.conparentid = 0 AND k.conislocal
          ) ORDER BY k.conname), '[]')
     FROM pg_constraint k
     JOIN pg_class f ON f.oid = k.confrelid
     JOIN pg_namespace fn ON fn.oid = f.relnamespace
    WHERE k.conrelid = c.oid
      AND k.contype = 'f')
`;

/** The indexes of the relation `c` (pg_class), as JSON. */
export const indexes: Sql = sql`
  (SELECT coalesce(json_agg(json_build_object(
            'name', ic.relname,
            'columns', (SELECT json_agg(a.attname ORDER BY key.place)
                          FROM unnest(i.indkey) WITH ORDINALITY AS key (number, place)
                          LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number AND key.number > 0
                         WHERE key.place <= i.indnkeyatts),
            'unique', i.indisunique,
            'valid', i.indisvalid,
            'partial', i.indpred IS NOT NULL,
            'nullsNotDistinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, FALSE),
            'definition', left(written.whole, length(written.whole) - length(written."where"))
                            || coalesce(' TABLESPACE ' || quote_ident(place.spcname), '')
                            || written."where",
            'keys', (SELECT json_agg(pg_get_indexdef(i.indexrelid, place, TRUE)
                                       || CASE
                                            -- None, and the database's.
                                            WHEN i.indcollation[place - 1] IN (0, 100) THEN ''
                                            ELSE ' COLLATE ' || i.indcollation[place - 1]::regcollation
                                          END ORDER BY place)
                       FROM generate_series(1, i.indnkeyatts) AS place),
            'predicate', pg_get_expr(i.indpred, i.indrelid, TRUE),
            'primary', i.indisprimary,
            'needed', i.indisreplident OR EXISTS (SELECT
                                                    FROM pg_constraint f
                                                   WHERE f.conindid = i.indexrelid
                                                     AND f.contype = 'f')
                                        OR EXISTS (SELECT
                                                     FROM pg_depend d
                                                    WHERE d.refclassid = 'pg_constraint'::regclass
                                                      AND d.refobjid = u.oid
                                                      AND d.deptype = 'n'),
            'constraint', pg_get_constraintdef(u.oid),
            'constraintComment', obj_description(u.oid, 'pg_constraint'),
            'comment', obj_description(i.indexrelid, 'pg_class'),
            'clustered', i.indisclustered,
            'statistics', (SELECT coalesce(json_agg(json_build_object(
                                    'place', a.attnum,
                                    'target', a.attstattarget) ORDER BY a.attnum), '[]')
                             FROM pg_attribute a
                            WHERE a.attrelid = i.indexrelid
                              AND a.attstattarget >= 0)) ORDER BY ic.relname), '[]')
     FROM pg_index i
     JOIN pg_class ic ON ic.oid = i.indexrelid
    CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.indexrelid),
                               coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '')) AS written (whole, "where")
     LEFT JOIN pg_tablespace place ON place.oid = ic.reltablespace
     LEFT JOIN pg_constraint u ON u.conindid = i.indexrelid AND u.contype = 'u' AND u.conrelid = i.indrelid
    WHERE i.indrelid = c.oid)
`;
