import { z } from "zod";
import { type ResolvedSettings, resolveRoles, type Settings } from "../config/settings.ts";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

/** The role that PostgREST, and so Supabase, gives to requests that nobody signed in for. */
export const usualAnonymous = "anon";

/**
 * Whether this database has that role. Roles are the whole server's, so one that another database made is
 * not taken for it: it counts where this database grants it something, where it is a member of another
 * role, or where no policy binds it. Elsewhere it may do what everybody may.
 */
export const usualAnonymousIsUsed: Sql = sql`
  EXISTS (SELECT
            FROM pg_roles r
           WHERE r.rolname = ${usualAnonymous}
             AND (r.rolsuper
                  OR r.rolbypassrls
                  OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
                  OR EXISTS (SELECT
                               FROM pg_shdepend d
                               JOIN pg_database b ON b.datname = current_database()
                              WHERE d.refclassid = 'pg_authid'::regclass
                                AND d.refobjid = r.oid
                                AND (d.dbid = b.oid
                                     OR (d.classid = 'pg_database'::regclass AND d.objid = b.oid)))))`;

/** The settings with their roles as the catalog has them; asks only where they are not resolved yet. */
export async function readRoles(queries: Queries, settings: Settings): Promise<ResolvedSettings> {
  if (settings.roles.anonymous !== undefined) return resolveRoles(settings, false);
  const [row] = await queries.rows(
    sql`SELECT ${usualAnonymousIsUsed} AS used`,
    z.object({ used: z.boolean() }),
  );
  return resolveRoles(settings, row?.used === true);
}
