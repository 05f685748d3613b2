import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";

const neededSchema = z.object({
  name: z.string(),
  /** With its length; a domain is its own type. */
  type: z.string(),
  /** The base type of a domain, otherwise the type itself, without its length. */
  base: z.string(),
  category: z.string(),
  /** The first label of an enum. */
  label: z.string().nullable(),
  /** The first string literal in a CHECK on the column: usually an allowed value. */
  allowed: z.string().nullable(),
  /** The column that it references, for a foreign key of one column. */
  parent: z.object({ schema: z.string(), name: z.string(), column: z.string() }).nullable(),
});

type Needed = z.output<typeof neededSchema>;

/**
 * A value for each column that an INSERT must name, for an empty table.
 * @returns undefined if there is a column for whose type no value is known
 */
export async function madeUpRow(
  queries: Queries,
  relation: RelationName,
  organizationColumn: string,
): Promise<readonly { readonly name: Sql; readonly value: Sql }[] | undefined> {
  const columns = await queries.rows(needed(relation, organizationColumn), neededSchema);
  const values = columns.flatMap((column) => {
    const value = madeUpValue(column);
    return value === undefined ? [] : [{ name: ident(column.name), value }];
  });
  return values.length === columns.length ? values : undefined;
}

function needed({ schema, name }: RelationName, organizationColumn: string): Sql {
  return sql`
    SELECT a.attname::text AS name,
           format_type(a.atttypid, a.atttypmod) AS type,
           format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS base,
           coalesce(b.typcategory, t.typcategory)::text AS category,
           (SELECT e.enumlabel::text
              FROM pg_enum e
             WHERE e.enumtypid = coalesce(nullif(t.typbasetype, 0), t.oid)
             ORDER BY e.enumsortorder
             LIMIT 1) AS label,
           (SELECT (regexp_match(pg_get_constraintdef(k.oid), '''([^'']+)'''))[1]
              FROM pg_constraint k
             WHERE k.contype = 'c'
               AND (k.conrelid = c.oid AND k.conkey = ARRAY[a.attnum] OR k.contypid = t.oid)
             LIMIT 1) AS allowed,
           (SELECT jsonb_build_object('schema', pn.nspname, 'name', p.relname, 'column', pa.attname)
              FROM pg_constraint k
              JOIN pg_class p ON p.oid = k.confrelid
              JOIN pg_namespace pn ON pn.oid = p.relnamespace
              JOIN pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = k.confkey[1]
             WHERE k.conrelid = c.oid
               AND k.contype = 'f'
               AND k.conkey = ARRAY[a.attnum]
             LIMIT 1) AS parent
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_type b ON b.oid = nullif(t.typbasetype, 0)
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE n.nspname = ${schema}
       AND c.relname = ${name}
       AND a.attnum > 0
       AND NOT a.attisdropped
       AND a.attgenerated = ''
       AND a.attname <> ${organizationColumn}
       AND (a.attnotnull OR t.typnotnull)
       -- nextval() is not undone by a rollback.
       AND (d.oid IS NULL OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')
     ORDER BY a.attnum
  `;
}

function madeUpValue(column: Needed): Sql | undefined {
  const { parent, allowed, label, type } = column;
  if (parent !== null) {
    const key = ident(parent.column);
    return sql`(SELECT ${key} FROM ${ident({ schema: parent.schema, name: parent.name })} LIMIT 1)`;
  }
  const value = label ?? allowed;
  if (value !== null) return sql`${value}::text::${raw(type)}`;
  const plain = plainValue(column);
  return plain === undefined ? undefined : sql`(${plain})::${raw(type)}`;
}

/** By PostgreSQL's categories of types: https://www.postgresql.org/docs/current/catalog-pg-type.html */
function plainValue({ base, category }: Needed): Sql | undefined {
  if (base === "uuid") return sql`gen_random_uuid()`;
  if (base === "json" || base === "jsonb") return sql`'{}'`;
  if (base === "bytea") return sql`''::bytea`;
  if (base === "interval") return sql`'0'`;
  switch (category) {
    case "A":
      return sql`'{}'`;
    case "B":
      return sql`FALSE`;
    case "D":
      return sql`now()`;
    case "I":
      return sql`'127.0.0.1'`;
    case "N":
      // Negative: no sequence generates it.
      return sql`(-1 - floor(random() * 32000))::integer`;
    case "R":
      return sql`'empty'`;
    case "S":
      return sql`left(md5(random()::text), 1)`;
    default:
      return undefined;
  }
}
