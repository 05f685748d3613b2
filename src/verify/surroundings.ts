import { z } from "zod";
import type { Settings } from "../config/settings.ts";
import { list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { type Ground, labelOf } from "./ground.ts";

const relationSchema = z.object({ schema: z.string(), name: z.string(), hasColumn: z.boolean() });

/** A relation that is not behind the fence, and that requests can read. */
export type Beside = z.output<typeof relationSchema>;

/** Everything behind the fence. */
export function fencedRelations({ fences, tenancy }: Ground): readonly RelationName[] {
  return [...fences.map(({ relation }) => relation), tenancy.organizations, tenancy.memberships];
}

/**
 * The relations that the signed-in role can read besides the fenced ones: tables, partitions, children,
 * views and materialized views. Foreign tables are another server's.
 * @param which all of them, or those that show fenced tables' rows: views over them, and children
 */
export async function relationsBeside(
  ground: Ground,
  which: "all" | "over the fenced",
): Promise<Beside[]> {
  const { queries, settings, tenancy } = ground;
  const fenced = list(
    fencedRelations(ground).map(({ schema, name }) => sql`(${schema}::text, ${name}::text)`),
  );
  const over: Sql =
    which === "all"
      ? sql`TRUE`
      : sql`c.oid IN (WITH RECURSIVE over AS (
                        SELECT f.oid
                          FROM pg_class f
                          JOIN pg_namespace fn ON fn.oid = f.relnamespace
                         WHERE (fn.nspname::text, f.relname::text) IN (${fenced})
                         UNION
                        SELECT found.oid
                          FROM over
                         CROSS JOIN LATERAL (
                               SELECT r.ev_class AS oid
                                 FROM pg_depend d
                                 JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                                WHERE d.refclassid = 'pg_class'::regclass
                                  AND d.refobjid = over.oid
                                UNION ALL
                               SELECT inhrelid
                                 FROM pg_inherits
                                WHERE inhparent = over.oid) AS found
                      )
                      SELECT oid FROM over)`;
  const found = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             EXISTS (SELECT
                       FROM pg_attribute a
                      WHERE a.attrelid = c.oid
                        AND a.attname = ${tenancy.column}
                        AND a.atttypid = 'uuid'::regtype
                        AND has_column_privilege(${settings.roles.signedIn}::text, c.oid, a.attnum, 'SELECT')) AS "hasColumn"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm')
         AND n.nspname !~ '^pg_'
         AND n.nspname NOT IN ('information_schema', 'tenantry')
         AND (n.nspname::text, c.relname::text) NOT IN (${fenced})
         AND has_schema_privilege(${settings.roles.signedIn}::text, n.oid, 'USAGE')
         AND (has_table_privilege(${settings.roles.signedIn}::text, c.oid, 'SELECT')
              OR has_any_column_privilege(${settings.roles.signedIn}::text, c.oid, 'SELECT'))
         AND ${over}
       ORDER BY 1, 2
    `,
    relationSchema,
  );
  return found.filter((relation) => !isAccepted(settings, labelOf(relation)));
}

const functionSchema = z.object({
  schema: z.string(),
  name: z.string(),
  signature: z.string(),
  types: z.array(z.string()),
  changesNothing: z.boolean(),
});

/** A function with its owner's rights that requests can call. */
export type OwnersFunction = z.output<typeof functionSchema>;

/** Those functions, without the helpers. */
export async function ownersFunctions({
  queries,
  settings,
  tenancy,
}: Ground): Promise<OwnersFunction[]> {
  const { signedIn } = settings.roles;
  const found = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             p.proname::text AS name,
             p.oid::regprocedure::text AS signature,
             ARRAY(SELECT format_type(type, NULL)
                     FROM unnest(p.proargtypes) WITH ORDINALITY AS argument (type, position)
                    ORDER BY position) AS types,
             p.provolatile <> 'v' AS "changesNothing"
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE p.prosecdef
         AND p.prokind = 'f'
         AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
         AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenantry', ${tenancy.helpers.schema})
         AND NOT EXISTS (SELECT
                           FROM pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass
                            AND d.objid = p.oid
                            AND d.deptype = 'e')
         AND has_schema_privilege(${signedIn}::text, n.oid, 'USAGE')
         AND has_function_privilege(${signedIn}::text, p.oid, 'EXECUTE')
       ORDER BY 3
    `,
    functionSchema,
  );
  return found.filter(({ signature }) => !isAccepted(settings, signature));
}

/** Whether somebody said in the configuration that what the audit finds of it is meant. */
export function isAccepted({ audit }: Settings, object: string): boolean {
  const today = new Date().toISOString().slice(0, 10);
  return audit.accepted.some((one) => one.object === object && one.until >= today);
}
