import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";

const columnSchema = z.object({
  name: z.string(),
  /** Without its length; a domain is its own type. */
  type: z.string(),
  /** Of a text that is limited, in characters. */
  length: z.number().nullable(),
  /** What a row gets by default; nextval() is not undone by a rollback. */
  default: z.enum(["none", "value", "sequence"]),
  /** Whether it is in a unique index that does not include the organization. */
  unique: z.boolean(),
  references: z.boolean(),
  /** Whether it is in the partition key, at any level of the tree. */
  partitions: z.boolean(),
  /** Whether the role of requests may insert it. */
  given: z.boolean(),
});

export type RowColumn = z.output<typeof columnSchema>;

/** Of a table: the column of the organization, and the role of requests; undefined for this session's own. */
export type TableAccess = { readonly column: string; readonly role: string | undefined };

/** The columns of a relation that an INSERT may name, without the organization's. */
export function rowColumns(
  queries: Queries,
  relation: RelationName,
  { column, role }: TableAccess,
): Promise<RowColumn[]> {
  const given =
    role === undefined
      ? sql`has_column_privilege(c.oid, a.attnum, 'INSERT')`
      : sql`has_column_privilege(${role}::text, c.oid, a.attnum, 'INSERT')`;
  return queries.rows(
    sql`
      SELECT a.attname::text AS name,
             format_type(a.atttypid, NULL) AS type,
             CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
                  THEN a.atttypmod - 4
             END AS length,
             CASE WHEN a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN 'sequence'
                  WHEN a.atthasdef THEN 'value'
                  ELSE 'none'
             END AS default,
             EXISTS (SELECT
                       FROM pg_index i
                      WHERE i.indrelid = c.oid
                        AND i.indisunique
                        AND a.attnum = ANY (i.indkey)
                        AND NOT EXISTS (SELECT
                                          FROM pg_attribute o
                                         WHERE o.attrelid = c.oid
                                           AND o.attname = ${column}
                                           AND o.attnum = ANY (i.indkey))) AS unique,
             EXISTS (SELECT
                       FROM pg_constraint k
                      WHERE k.conrelid = c.oid
                        AND k.contype = 'f'
                        AND a.attnum = ANY (k.conkey)) AS references,
             EXISTS (SELECT
                       FROM pg_partition_tree(pg_partition_root(c.oid)) AS tree
                       JOIN pg_attribute own ON own.attrelid = tree.relid AND own.attname = a.attname
                       -- A column of the partition key depends on its whole table, also one in an expression.
                       JOIN pg_depend d ON d.classid = 'pg_class'::regclass
                                       AND d.objid = tree.relid
                                       AND d.objsubid = own.attnum
                                       AND d.refclassid = 'pg_class'::regclass
                                       AND d.refobjid = tree.relid
                                       AND d.refobjsubid = 0
                                       AND d.deptype = 'i') AS partitions,
             ${given} AS given
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE n.nspname = ${relation.schema}
         AND c.relname = ${relation.name}
         AND a.attnum > 0
         AND NOT a.attisdropped
         AND a.attgenerated = ''
         AND a.attname <> ${column}
       ORDER BY a.attnum
    `,
    columnSchema,
  );
}

/** A value that no other row has; undefined for types for which none can be generated. */
export function madeUp({ type, length }: Pick<RowColumn, "type" | "length">): Sql | undefined {
  switch (type) {
    case "uuid":
      return sql`gen_random_uuid()`;
    case "smallint":
      return sql`(-1 - floor(random() * 32000))::smallint`;
    // Negative: no sequence generates it.
    case "integer":
      return sql`(-1 - floor(random() * 900000000))::integer`;
    case "bigint":
    case "numeric":
      return sql`(-1 - floor(random() * 9000000000000000))::bigint`;
    case "citext":
    case "text":
    case "character varying":
    case "character":
      return sql`left(md5(random()::text), ${raw(String(length ?? 32))})`;
    default:
      return undefined;
  }
}

/** A statement, and the same statement without values of existing rows, for messages. */
export type Insert = { readonly statement: Sql; readonly redacted: Sql };

/**
 * The INSERT for an organization, for none (null), or without its column (undefined).
 * @param instead values in place of the copied row's, by their columns
 */
export type InsertFor = (
  organization: string | null | undefined,
  instead?: ReadonlyMap<string, Sql>,
) => Insert;

/**
 * An INSERT with the values of an existing row, as far as the role of requests may insert them. A key with
 * a default gets its default, since the row's own value exists already; a sequence's value is generated.
 * @param sample the row as a text; without one, only the organization is inserted
 */
export function insertLike(
  relation: RelationName,
  organizationColumn: string,
  columns: readonly RowColumn[],
  sample: string | undefined,
): InsertFor {
  const table = ident(relation);
  const made = columns.flatMap((one) => {
    const numbered = one.default === "sequence" && !one.partitions;
    const value = one.given && numbered ? madeUp(one) : undefined;
    return value === undefined ? [] : [{ name: one.name, value }];
  });
  const copied = columns
    .filter((one) => one.given)
    // With another partition key there may be no partition for the row, which fails before policies are applied.
    .filter(
      (one) =>
        one.partitions || !(one.default === "sequence" || (one.default === "value" && one.unique)),
    )
    .map(({ name }) => ({ name, value: sql`(sample.record).${ident(name)}` }));
  return (organization, instead = new Map()) => {
    const others = [...made, ...(sample === undefined ? [] : copied)];
    const values = [
      ...(organization === undefined
        ? []
        : [{ name: ident(organizationColumn), value: sql`${organization}::uuid` }]),
      ...[...instead].map(([name, value]) => ({ name: ident(name), value })),
      ...others
        .filter(({ name }) => !instead.has(name))
        .map(({ name, value }) => ({ name: ident(name), value })),
    ];
    const like = (record: Sql) => sql`
      INSERT INTO ${table} (${list(values.map(({ name }) => name))})
             OVERRIDING SYSTEM VALUE
      SELECT ${list(values.map(({ value }) => value))}
        FROM (SELECT ${record} AS record) AS sample
    `;
    return {
      statement: like(sql`${sample ?? null}::${table}`),
      redacted: like(sql`'(a row of the table)'::${table}`),
    };
  };
}
