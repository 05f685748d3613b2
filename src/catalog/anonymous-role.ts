import { type Sql, sql } from "../postgres/sql.ts";

/** The role that PostgREST, and so Supabase, gives to requests that nobody signed in for. */
const usualAnonymous = "anon";

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
