import { type Sql, sql } from "../postgres/sql.ts";

/** The role of requests without a user in PostgREST and Supabase. */
const defaultAnonymousRole = "anon";

/**
 * Whether this database uses that role. Roles belong to the whole server, so another database may have
 * created it: it counts if this database grants it something, if it is a member of another role, or if
 * it bypasses row-level security. Otherwise it has only the privileges of PUBLIC.
 */
export const usualAnonymousIsUsed: Sql = sql`
  EXISTS (SELECT
            FROM pg_roles r
           WHERE r.rolname = ${defaultAnonymousRole}
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
