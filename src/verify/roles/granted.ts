import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import { policyNames } from "../../steps/table/fence.ts";

const grantedSchema = z.object({
  /** Any column of it. */
  select: z.boolean(),
  selectOrganization: z.boolean(),
  insertOrganization: z.boolean(),
  /** A column that may be written with what it has; undefined where there is none. */
  updatable: z.string().nullable(),
  delete: z.boolean(),
  /** All four of the whole table: no statement on it wants a privilege that is not there. */
  all: z.boolean(),
  /** Triggers and rules of the application that may keep a statement from doing anything. */
  intervenes: z.boolean(),
  /** Those of them that fire even where triggers are silenced. */
  alwaysIntervenes: z.boolean(),
});

/** What a role may do with a table by its grants, whatever the policies say of its rows. */
export type Granted = z.output<typeof grantedSchema>;

/**
 * Asks the catalog what a role is granted: what it is not, it may be refused. Whether it may use the
 * table's schema is left out: who is granted a table that they cannot reach is refused by something else.
 */
export async function readGranted(
  queries: Queries,
  relation: RelationName,
  { column, role }: { readonly column: string; readonly role: string },
): Promise<Granted> {
  const [granted] = await queries.rows(
    sql`
      SELECT has_any_column_privilege(${role}::text, c.oid, 'SELECT') AS select,
             has_column_privilege(${role}::text, c.oid, a.attnum, 'SELECT') AS "selectOrganization",
             has_column_privilege(${role}::text, c.oid, a.attnum, 'INSERT') AS "insertOrganization",
             (SELECT u.attname::text
                FROM pg_attribute u
               WHERE u.attrelid = c.oid
                 AND u.attnum > 0
                 AND NOT u.attisdropped
                 AND u.attgenerated = ''
                 AND u.attidentity <> 'a'
                 AND has_column_privilege(${role}::text, c.oid, u.attnum, 'UPDATE')
                 AND has_column_privilege(${role}::text, c.oid, u.attnum, 'SELECT')
               ORDER BY u.attnum <> a.attnum, u.attnum
               LIMIT 1) AS updatable,
             has_table_privilege(${role}::text, c.oid, 'DELETE') AS delete,
             has_table_privilege(${role}::text, c.oid, 'SELECT')
             AND has_table_privilege(${role}::text, c.oid, 'INSERT')
             AND has_table_privilege(${role}::text, c.oid, 'UPDATE')
             AND has_table_privilege(${role}::text, c.oid, 'DELETE') AS all,
             c.relhasrules
             OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D') AS intervenes,
             EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
             OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R')) AS "alwaysIntervenes"
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ${column}
       WHERE c.oid = ${textOf(ident(relation))}::text::regclass
    `,
    grantedSchema,
  );
  if (granted === undefined) throw new Error(`${relation.name} has no column ${column}`);
  return granted;
}

/** Which of their own organization's rows the plan's policies promise to somebody. */
export type Promised = "members" | "administrators" | "nobody";

/** What of it, by command. Where the application's policies were in force, these decide: nothing is promised. */
export type Promises = Readonly<Record<"select" | "insert" | "update" | "delete", Promised>>;

/** Asks the catalog for the policies that the plan made, as they bind a role. */
export async function readPromises(
  queries: Queries,
  relation: RelationName,
  role: string,
): Promise<Promises> {
  const policies = await queries.rows(
    sql`
      SELECT p.polname::text AS name,
             p.polcmd::text AS command,
             p.polpermissive AS permissive
        FROM pg_policy p
       WHERE p.polrelid = ${textOf(ident(relation))}::text::regclass
         AND (p.polroles = '{0}'
              OR EXISTS (SELECT
                           FROM unnest(p.polroles) AS bound (role)
                          WHERE bound.role <> 0
                            AND pg_has_role(${role}::text, bound.role, 'USAGE')))
    `,
    z.object({ name: z.string(), command: z.string(), permissive: z.boolean() }),
  );
  const { guard, view, insert, update, delete: remove, administer } = policyNames(relation.name);
  const promised = (own: string, command: string): Promised => {
    const asked = policies.filter((policy) => ["*", command].includes(policy.command));
    const isThere = (name: string) =>
      asked.some((policy) => policy.permissive && policy.name === name);
    if (asked.some((policy) => !policy.permissive && policy.name !== guard)) return "nobody";
    if (isThere(own)) return "members";
    return isThere(administer) ? "administrators" : "nobody";
  };
  return {
    select: promised(view, "r"),
    insert: promised(insert, "a"),
    update: promised(update, "w"),
    delete: promised(remove, "d"),
  };
}
