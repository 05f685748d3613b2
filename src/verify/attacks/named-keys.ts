import { z } from "zod";
import { ident, list, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { relationNameSchema } from "../../steps/model/relation-name.ts";
import type { Fence } from "../proof/trial.ts";
import { madeUp, type RowColumn } from "../rows/insert-like.ts";
import type { AttackSetup } from "./attack-setup.ts";

const keySchema = z.object({
  name: z.string(),
  /** Its columns and those that it references, without the organization's. */
  columns: z.array(z.string()).min(1),
  referencedColumns: z.array(z.string()),
  parent: relationNameSchema,
  /** Whether it, or another over the same columns, names the organization: else the audit reports it. */
  namesOrganization: z.boolean(),
  /** Whether its parent's rows belong to an organization each: those of users do not. */
  ofTenants: z.boolean(),
  /** What requests may do with all of its columns. */
  inserts: z.boolean(),
  updates: z.boolean(),
});

/** A foreign key of a fenced table to a row that may be another organization's. */
export type NamedKey = z.output<typeof keySchema>;

/** The foreign keys of a fenced table; those to the users only where they say whose its rows are. */
export async function namedKeys(
  { queries, settings, tenancy }: AttackSetup,
  { relation }: Fence,
): Promise<readonly NamedKey[]> {
  const tables = [...settings.tables.day1, ...settings.tables.day2];
  const source = tables.find((one) => isSame(one.relation, relation))?.source;
  const parents = tables.map((one) => one.relation);
  return queries.rows(
    sql`
      SELECT k.conname::text AS name,
             (SELECT json_agg(a.attname ORDER BY key.place)
                FROM unnest(k.conkey) WITH ORDINALITY AS key (number, place)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
               WHERE a.attname <> ${tenancy.column}) AS columns,
             (SELECT json_agg(a.attname ORDER BY key.place)
                FROM unnest(k.confkey, k.conkey) WITH ORDINALITY AS key (number, own, place)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number
                JOIN pg_attribute o ON o.attrelid = k.conrelid AND o.attnum = key.own
               WHERE o.attname <> ${tenancy.column}) AS "referencedColumns",
             json_build_object('schema', pn.nspname, 'name', p.relname) AS parent,
             EXISTS (SELECT
                       FROM pg_constraint beside
                       JOIN pg_attribute a ON a.attrelid = beside.conrelid AND a.attnum = ANY (beside.conkey)
                      WHERE beside.conrelid = k.conrelid
                        AND beside.confrelid = k.confrelid
                        AND beside.contype = 'f'
                        AND beside.conkey @> k.conkey
                        AND a.attname = ${tenancy.column}) AS "namesOrganization",
             EXISTS (SELECT
                       FROM pg_attribute a
                      WHERE a.attrelid = k.confrelid
                        AND a.attname = ${tenancy.column}
                        AND NOT a.attisdropped) AS "ofTenants",
             ${granted("INSERT", settings.roles.signedIn)} AS inserts,
             ${granted("UPDATE", settings.roles.signedIn)} AS updates
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class p ON p.oid = k.confrelid
        JOIN pg_namespace pn ON pn.oid = p.relnamespace
       WHERE n.nspname = ${relation.schema}
         AND c.relname = ${relation.name}
         AND k.contype = 'f'
         AND k.conparentid = 0
         AND EXISTS (SELECT
                       FROM pg_attribute a
                      WHERE a.attrelid = k.conrelid
                        AND a.attnum = ANY (k.conkey)
                        AND a.attname <> ${tenancy.column})
         AND ((pn.nspname, p.relname) IN (SELECT *
                                            FROM unnest(${parents.map(({ schema }) => schema)}::text[],
                                                        ${parents.map(({ name }) => name)}::text[]))
              -- A table of a later day is open to everybody still.
              AND EXISTS (SELECT
                            FROM pg_attribute a
                           WHERE a.attrelid = k.confrelid
                             AND a.attname = ${tenancy.column})
              OR k.conkey = (SELECT ARRAY[a.attnum]
                               FROM pg_attribute a
                              WHERE a.attrelid = k.conrelid
                                AND a.attname = ${source?.kind === "user" ? source.column : null}))
       ORDER BY k.conname
    `,
    keySchema,
  );
}

/** Whether a role has a privilege on all columns of a key (`k` is pg_constraint). */
function granted(privilege: "INSERT" | "UPDATE", role: string): Sql {
  return sql`(SELECT bool_and(has_column_privilege(${role}::text, k.conrelid, part, ${privilege}::text))
                FROM unnest(k.conkey) AS part
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = part)`;
}

/** The values of a key, as SQL by its columns, and as text. */
export type KeyValues = {
  readonly values: ReadonlyMap<string, Sql>;
  readonly texts: readonly string[];
};

export type KeyPair = {
  /** That of another organization's row. */
  readonly hidden: KeyValues;
  /** One that no row has. */
  readonly missing: KeyValues;
};

/**
 * A key of another organization's row, and one that does not exist.
 * @param columns the table's
 * @param own the organizations of the user
 * @returns why there is none, where there is none
 */
export async function keyPair(
  setup: AttackSetup,
  key: NamedKey,
  columns: readonly RowColumn[],
  own: readonly string[],
): Promise<KeyPair | { readonly impossible: string }> {
  const hidden = await hiddenKey(setup, key, own);
  if (hidden === undefined) {
    return { impossible: `${key.parent.name} has no row of another organization` };
  }
  const typesOf = key.columns.map((name) => columns.find((one) => one.name === name));
  const made = typesOf.map((column) => (column === undefined ? undefined : madeUp(column)));
  const first = made.findIndex((one) => one !== undefined);
  const [row] = await setup.queries.rows(
    sql`SELECT (${made[first] ?? sql`NULL`})::text AS text`,
    z.object({ text: z.string().nullable() }),
  );
  const unknown = row?.text ?? undefined;
  if (unknown === undefined) return { impossible: "no key can be made up that does not exist" };
  const typed = (texts: readonly string[]): KeyValues => ({
    texts,
    values: new Map(
      key.columns.map((name, place) => [
        name,
        sql`${texts[place] ?? null}::text::${raw(typesOf[place]?.type ?? "text")}`,
      ]),
    ),
  });
  const missing = hidden.map((text, place) => (place === first ? unknown : text));
  return { hidden: typed(hidden), missing: typed(missing) };
}

/** A key for messages, without a value of any row. */
export function anyKey({ columns }: NamedKey): KeyValues {
  return { texts: [], values: new Map(columns.map((name) => [name, sql`'(a key)'`])) };
}

/** The proof's own row of the other organization; where it has none, that of an organization that exists. */
async function hiddenKey(
  { queries, tenancy, foreign, other }: AttackSetup,
  { parent, referencedColumns, ofTenants }: NamedKey,
  own: readonly string[],
): Promise<readonly string[] | undefined> {
  const read = async (condition: Sql) => {
    const columns = referencedColumns.map((name) => sql`${ident(name)}::text`);
    const [row] = await queries.rows(
      sql`
        SELECT ARRAY[${list(columns)}] AS key
          FROM ${ident(parent)}
         WHERE ${condition}
           AND ${list(
             referencedColumns.map((name) => sql`${ident(name)} IS NOT NULL`),
             " AND ",
           )}
         LIMIT 1
      `,
      z.object({ key: z.array(z.string()) }),
    );
    return row?.key;
  };
  if (!ofTenants) {
    // The users themselves, or a table of people, each with the key of a user.
    const [only] = referencedColumns;
    return other === undefined || only === undefined
      ? undefined
      : read(sql`${ident(only)}::text = ${other}`);
  }
  const column = ident(tenancy.column);
  return (
    (await read(sql`${column} = ${foreign}::uuid`)) ??
    (await read(sql`${column} <> ALL (${own}::uuid[])`))
  );
}

function isSame(one: RelationName, other: RelationName): boolean {
  return one.schema === other.schema && one.name === other.name;
}
