import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import { policyNames } from "../../steps/table/fence.ts";

const grantedSchema = z.object({
  /** Any column of it. */
  select: z.boolean(),
  selectOrganization: z.boolean(),
  insertOrganization: z.boolean(),
  /** A column that the role may read and update; null where there is none. */
  updatable: z.string().nullable(),
  delete: z.boolean(),
  truncate: z.boolean(),
  /** All four privileges on the whole table: no statement lacks a privilege. */
  all: z.boolean(),
  /** Triggers and rules of the application that may prevent a statement from doing anything. */
  intervenes: z.boolean(),
  /** Those of them that fire with session_replication_role = replica too. */
  alwaysIntervenes: z.boolean(),
});

/** What a role may do with a table by its grants alone, without regard to policies. */
export type Granted = z.output<typeof grantedSchema>;

/**
 * Reads a role's privileges on a table: a statement for which it lacks one may be refused. USAGE on the
 * schema is not part of it: a refusal for want of USAGE is not the table's.
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
             has_table_privilege(${role}::text, c.oid, 'TRUNCATE') AS truncate,
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

/** To which users the plan's policies allow access to their own organization's rows. */
export type Promised = "members" | "administrators" | "none";

/** The same by command. Where the application's own policies are in force, they decide: nothing is promised. */
export type Promises = Readonly<Record<"select" | "insert" | "update" | "delete", Promised>>;

/** Reads from the catalog which of the plan's policies apply to a role. */
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
    if (asked.some((policy) => !policy.permissive && policy.name !== guard)) return "none";
    if (isThere(own)) return "members";
    return isThere(administer) ? "administrators" : "none";
  };
  return {
    select: promised(view, "r"),
    insert: promised(insert, "a"),
    update: promised(update, "w"),
    delete: promised(remove, "d"),
  };
}
