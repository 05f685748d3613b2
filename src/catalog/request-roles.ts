import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { usualAnonymousIsUsed } from "./anonymous-role.ts";

/** The roles that requests begin with, and those that they may become on purpose. */
export type RequestRoles = {
  /** The login, and the roles that requests run as. */
  readonly starts: readonly string[];
  /** Roles that requests of tenants never run as, though the login may become them: service_role. */
  readonly trusted: readonly string[];
};

/**
 * The roles that requests have, as a query of oid, role, becomes and trusted. SET ROLE asks the memberships of
 * the login, each with SET; a member WITH ADMIN OPTION can grant the role with SET. A role that is only
 * inherited (`becomes` is false) gives its privileges, but not its attributes. Before 16 every membership has
 * SET, and the member says whether it inherits. Nothing is followed from a superuser or from a trusted role.
 */
export function reachedRoles({ starts, trusted }: RequestRoles): Sql {
  return sql`(WITH RECURSIVE reached AS (
                SELECT r.oid,
                       TRUE AS becomes
                  FROM pg_roles r
                 WHERE r.rolname = ANY (${[...starts]}::text[])
                    OR (r.rolname = 'anon' AND ${usualAnonymousIsUsed})
                 UNION
                SELECT m.roleid,
                       m.admin_option OR (reached.becomes AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, TRUE))
                  FROM reached
                  JOIN pg_roles member ON member.oid = reached.oid
                  JOIN pg_auth_members m ON m.member = reached.oid
                 WHERE NOT member.rolsuper
                   AND member.rolname <> ALL (${[...trusted]}::text[])
                   AND (m.admin_option
                        OR (reached.becomes AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, TRUE))
                        OR coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, member.rolinherit))
              )
              SELECT r.oid,
                     r.rolname::text AS role,
                     bool_or(reached.becomes) AS becomes,
                     r.rolname = ANY (${[...trusted]}::text[]) AS trusted,
                     r.rolsuper AS superuser
                FROM reached
                JOIN pg_roles r ON r.oid = reached.oid
               GROUP BY r.oid, r.rolname, r.rolsuper)`;
}

const reachedSchema = z.object({
  oid: z.string(),
  role: z.string(),
  becomes: z.boolean(),
  trusted: z.boolean(),
  superuser: z.boolean(),
});

/** A role that requests have. */
export type ReachedRole = z.output<typeof reachedSchema>;

/** Reads the roles that requests have. */
export function readReachedRoles(queries: Queries, requests: RequestRoles): Promise<ReachedRole[]> {
  return queries.rows(
    sql`
      SELECT reached.oid::text AS oid,
             reached.role,
             reached.becomes,
             reached.trusted,
             reached.superuser
        FROM ${reachedRoles(requests)} AS reached
       ORDER BY reached.role
    `,
    reachedSchema,
  );
}

/**
 * The REVOKE statements, as one text, by which requests lose a role.
 * @param reached the roles that requests have, as `reachedRoles` has them
 * @param role SQL for its oid
 */
export function revokedFromRequests(reached: Sql, role: Sql): Sql {
  return sql`(SELECT string_agg(
                       format('REVOKE %I FROM %I%s;', pg_get_userbyid(m.roleid), pg_get_userbyid(m.member),
                              -- Since 16, a role that is granted twice is revoked from each grantor.
                              CASE WHEN current_setting('server_version_num')::integer >= 160000
                                   THEN format(' GRANTED BY %I', pg_get_userbyid(m.grantor))
                                   ELSE ''
                              END), ' ')
                FROM pg_auth_members m
                JOIN ${reached} AS holder ON holder.oid = m.member AND NOT holder.trusted
               WHERE m.roleid = ${role})`;
}

/**
 * The roles that requests can become and that nobody named, as a query of role and by (the roles that have it). One whose
 * privileges a named role inherits anyway gives nothing more, and is not part of it; predefined roles have their own rule.
 * @param listed the roles of the configuration
 */
export function rolesBeside(requests: RequestRoles, listed: readonly string[]): Sql {
  return sql`(SELECT beside.role,
                     (SELECT string_agg(DISTINCT member.role, ', ' ORDER BY member.role)
                        FROM pg_auth_members m
                        JOIN ${reachedRoles(requests)} AS member ON member.oid = m.member
                       WHERE m.roleid = beside.oid) AS by,
                     ${revokedFromRequests(reachedRoles(requests), sql`beside.oid`)} AS revoke
                FROM ${reachedRoles(requests)} AS beside
                JOIN pg_roles r ON r.oid = beside.oid
               WHERE beside.becomes
                 AND beside.role <> ALL (${[...listed]}::text[])
                 AND beside.role NOT LIKE 'pg\\_%'
                 AND (r.rolsuper
                      OR r.rolbypassrls
                      OR NOT EXISTS (SELECT
                                       FROM pg_roles named
                                      WHERE named.rolname = ANY (${[...requests.starts]}::text[])
                                        AND NOT named.rolsuper
                                        AND named.oid <> beside.oid
                                        AND pg_has_role(named.oid, beside.oid, 'USAGE'))))`;
}

const besideSchema = z.object({
  role: z.string(),
  by: z.string().nullable(),
  revoke: z.string().nullable(),
});

/** A role that requests can become and that nobody named. */
export type RoleBeside = z.output<typeof besideSchema>;

/** Reads them; see `rolesBeside`. */
export function readRolesBeside(
  queries: Queries,
  requests: RequestRoles,
  listed: readonly string[],
): Promise<RoleBeside[]> {
  return queries.rows(
    sql`SELECT role, by, revoke FROM ${rolesBeside(requests, listed)} AS beside ORDER BY role`,
    besideSchema,
  );
}
