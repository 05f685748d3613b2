import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";

/** Kinds of objects that a fence stands on. */
const fenceKinds = [
  "table",
  "partition",
  "column",
  "constraint",
  "policy",
  "trigger",
  "rule",
  "view",
  "function",
  "operator",
  "cast",
  "schema",
  "role",
  "settings",
  "event trigger",
] as const;

export type FenceKind = (typeof fenceKinds)[number];

const attributeSchema = z.object({
  name: z.string(),
  value: z.string(),
  /** The statement that sets this value again; null where the object's own statement does. */
  restore: z.string().nullable(),
  /** The statement that takes the attribute away; null where it always has a value. */
  remove: z.string().nullable(),
});

export type FenceAttribute = z.output<typeof attributeSchema>;

const entryShape = {
  kind: z.enum(fenceKinds),
  /** Its kind and its name, as the fingerprint names it where it holds it too. */
  object: z.string(),
  /** The objects that lead to it: the table of a policy, the callers of a function. */
  of: z.array(z.string()),
  /** The statement that creates it as it is; null where no single one does. */
  create: z.string().nullable(),
  drop: z.string().nullable(),
};

/** An object that the fence stands on, as it is: named, never by an oid. */
export const fenceEntrySchema = z.object({ ...entryShape, attributes: z.array(attributeSchema) });

export type FenceEntry = z.output<typeof fenceEntrySchema>;

const readSchema = z
  .object({
    ...entryShape,
    attributes: z.array(
      attributeSchema.extend({
        value: z.string().nullable(),
        restore: z.string().nullish(),
        remove: z.string().nullish(),
      }),
    ),
  })
  .transform(({ attributes, ...entry }) => ({
    ...entry,
    attributes: attributes.flatMap(({ name, value, restore = null, remove = null }) =>
      value === null ? [] : [{ name, value, restore, remove }],
    ),
  }));

/** Reads entries: `kind`, `object`, `of`, `create`, `drop`, and `attributes` as JSON. */
export function readEntries(queries: Queries, statement: Sql): Promise<FenceEntry[]> {
  return queries.rows(statement, readSchema);
}

/** One attribute as JSON; an attribute whose value is NULL does not exist. */
export function attribute(name: Sql | string, value: Sql, restore?: Sql, remove?: Sql): Sql {
  const label = typeof name === "string" ? sql`${name}::text` : name;
  return sql`jsonb_build_object('name', ${label}, 'value', (${value})::text, 'restore', ${restore ?? sql`NULL`}, 'remove', ${remove ?? sql`NULL`})`;
}

/** A condition as a word. */
export function onOff(condition: Sql): Sql {
  return sql`CASE WHEN ${condition} THEN 'on' ELSE 'off' END`;
}

/** The object does not belong to an extension. */
export function notOfExtension(catalog: Sql, object: Sql): Sql {
  return sql`NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = ${catalog}::regclass AND x.objid = ${object} AND x.deptype = 'e')`;
}

/**
 * The privileges of PUBLIC and of roles as a JSON array of attributes.
 * @param acl with its default where it is NULL
 * @param on the object as GRANT names it: `TABLE public.leads`
 */
export function privileges(
  { acl, owner, on }: { readonly acl: Sql; readonly owner: Sql; readonly on: Sql },
  roles: readonly string[],
  wanted: readonly string[],
): Sql {
  const all = wanted.join(", ");
  return sql`
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'name', 'privileges of ' || held.grantee,
                       'value', held.privileges,
                       'restore', format('REVOKE %s ON %s FROM %s; GRANT %s ON %s TO %s;', ${all}::text, ${on}, held.grantee,
                                         held.privileges, ${on}, held.grantee),
                       'remove', format('REVOKE %s ON %s FROM %s;', ${all}::text, ${on}, held.grantee))), '[]')
       FROM (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee,
                    string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
               FROM aclexplode(${acl}) AS a
               LEFT JOIN pg_roles r ON r.oid = a.grantee
              WHERE a.privilege_type = ANY (${[...wanted]}::text[])
                AND a.grantee <> ${owner}
                AND (a.grantee = 0 OR r.rolname = ANY (${[...roles]}::text[]))
              GROUP BY 1) AS held)
  `;
}
