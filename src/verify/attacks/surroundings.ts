import { z } from "zod";
import { isUserSchema } from "../../catalog/system-schemas.ts";
import { today } from "../../config/accepted.ts";
import type { Settings } from "../../config/settings.ts";
import { type RelationName, sql } from "../../postgres/sql.ts";
import { type AttackSetup, labelOf } from "./attack-setup.ts";

const relationSchema = z.object({ schema: z.string(), name: z.string(), hasColumn: z.boolean() });

/** A relation without a fence that requests can read. */
export type OtherRelation = z.output<typeof relationSchema>;

/** The fenced tables, the organizations and the memberships. */
export function fencedRelations({ fences, tenancy }: AttackSetup): readonly RelationName[] {
  return [...fences.map(({ relation }) => relation), tenancy.organizations, tenancy.memberships];
}

/**
 * The relations that the signed-in role can read besides the fenced ones: tables, partitions, children,
 * views and materialized views. Foreign tables are another server's.
 * @param which all of them, or those that show fenced tables' rows: views over them, and children
 */
export async function otherRelations(
  setup: AttackSetup,
  which: "all" | "over the fenced",
): Promise<OtherRelation[]> {
  const { queries, settings, tenancy } = setup;
  const fenced = fencedRelations(setup);
  const { signedIn } = settings.roles;
  const found = await queries.rows(
    // Dependencies are read once: read for each of hundreds of fenced tables, they took minutes.
    sql`
      WITH RECURSIVE fenced AS MATERIALIZED (
        SELECT c.oid
          FROM unnest(${fenced.map(({ schema }) => schema)}::text[],
                      ${fenced.map(({ name }) => name)}::text[]) AS named (schema, name)
          JOIN pg_namespace n ON n.nspname = named.schema
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = named.name
      ), shown AS MATERIALIZED (
        SELECT d.refobjid AS relation,
               r.ev_class AS by
          FROM pg_rewrite r
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         WHERE d.refclassid = 'pg_class'::regclass
         UNION ALL
        SELECT inhparent,
               inhrelid
          FROM pg_inherits
      ), over AS (
        SELECT oid FROM fenced
         UNION
        SELECT shown.by
          FROM over
          JOIN shown ON shown.relation = over.oid
      )
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             EXISTS (SELECT
                       FROM pg_attribute a
                      WHERE a.attrelid = c.oid
                        AND a.attname = ${tenancy.column}
                        AND a.atttypid = 'uuid'::regtype
                        AND has_column_privilege(${signedIn}::text, c.oid, a.attnum, 'SELECT')) AS "hasColumn"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm')
         AND ${isUserSchema(sql`n.nspname`)}
         AND c.oid NOT IN (SELECT oid FROM fenced)
         AND (${which === "all"} OR c.oid IN (SELECT oid FROM over))
         AND has_schema_privilege(${signedIn}::text, n.oid, 'USAGE')
         AND (has_table_privilege(${signedIn}::text, c.oid, 'SELECT')
              OR has_any_column_privilege(${signedIn}::text, c.oid, 'SELECT'))
       ORDER BY 1, 2
    `,
    relationSchema,
  );
  return found.filter((relation) => !isAccepted(settings, labelOf(relation)));
}

/** Whether the configuration accepts the audit's finding about an object. */
export function isAccepted({ audit }: Settings, object: string): boolean {
  return audit.accepted.some((one) => one.object === object && one.until >= today());
}

/** Whether it accepts a finding of a rule that has one object only. */
export function isAcceptedRule({ audit }: Settings, id: string): boolean {
  return audit.accepted.some(({ rule, until }) => rule === id && until >= today());
}
