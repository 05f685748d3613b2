import { isUserSchema } from "../catalog/system-schemas.ts";
import type { RelationName } from "../postgres/sql.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import type { AuditContext, RuleContext } from "./rule.ts";

/** The relations of these names, as `relation` with oid, schema and name. */
export function relationsNamed(names: readonly RelationName[]): Sql {
  return sql`(SELECT c.oid,
                     n.nspname AS schema,
                     c.relname AS name
                FROM unnest(${names.map(({ schema }) => schema)}::text[],
                            ${names.map(({ name }) => name)}::text[]) AS wanted (schema, name)
                JOIN pg_namespace n ON n.nspname = wanted.schema
                JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name)`;
}

/** The relations of these names and their partitions at every level, as `relation` with oid, schema and name. */
export function withPartitions(names: readonly RelationName[]): Sql {
  return sql`(SELECT oid,
                     schema,
                     name
                FROM ${relationsNamed(names)} AS named
               UNION
              SELECT c.oid,
                     n.nspname,
                     c.relname
                FROM ${relationsNamed(names)} AS named
               CROSS JOIN LATERAL pg_partition_tree(named.oid) AS tree
                JOIN pg_class c ON c.oid = tree.relid
                JOIN pg_namespace n ON n.oid = c.relnamespace)`;
}

/**
 * The roles that requests can become, as `api (role)`: what they inherit, PostgreSQL's has_…_privilege functions
 * know. A superuser and the predefined roles may do everything, or the same everywhere: they have rules of their own.
 */
export function apiRoles({ roles }: AuditContext): Sql {
  return sql`unnest(${[...roles]}::text[]) AS api (role)`;
}

/** All roles that requests have, as a query of oid, role, becomes, trusted and superuser. */
export function reachedRoles({ reached }: RuleContext): Sql {
  return sql`(SELECT *
                FROM unnest(${reached.map(({ oid }) => oid)}::oid[],
                            ${reached.map(({ role }) => role)}::text[],
                            ${reached.map(({ becomes }) => String(becomes))}::boolean[],
                            ${reached.map(({ trusted }) => String(trusted))}::boolean[],
                            ${reached.map(({ superuser }) => String(superuser))}::boolean[])
                     AS known (oid, role, becomes, trusted, superuser))`;
}

/**
 * Those from whom a role has a privilege on a relation, as one text for REVOKE: itself, PUBLIC, and groups.
 * @param relation SQL for its oid
 * @param role SQL for its name
 * @param privilege SQL for its name
 */
export function holdersOf(relation: Sql, role: Sql, privilege: Sql): Sql {
  return sql`coalesce((SELECT string_agg(DISTINCT CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END, ', ')
                        FROM (SELECT relacl AS list FROM pg_class WHERE oid = ${relation}
                               UNION ALL
                              SELECT attacl FROM pg_attribute WHERE attrelid = ${relation}) AS lists
                       CROSS JOIN LATERAL aclexplode(lists.list) AS held
                       WHERE held.privilege_type = ${privilege}
                         AND (held.grantee = 0 OR pg_has_role(${role}, held.grantee, 'USAGE'))), quote_ident(${role}))`;
}

/**
 * The relations that the application's roles can reach with some privilege, as a query of oid, schema,
 * name and kind. What belongs to an extension or to Tenantry is left out.
 */
export function reachable(context: AuditContext): Sql {
  return sql`(SELECT c.oid,
                     n.nspname AS schema,
                     c.relname AS name,
                     c.relkind AS kind
                FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                 AND ${isUserSchema(sql`n.nspname`)}
                 AND NOT EXISTS (SELECT
                                   FROM pg_depend d
                                  WHERE d.classid = 'pg_class'::regclass
                                    AND d.objid = c.oid
                                    AND d.deptype = 'e')
                 AND EXISTS (SELECT
                               FROM ${apiRoles(context)}
                              WHERE has_schema_privilege(api.role, n.oid, 'USAGE')
                                AND (has_table_privilege(api.role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                                     OR has_any_column_privilege(api.role, c.oid, 'SELECT, INSERT, UPDATE'))))`;
}

/** The relations that can be reached, and those below reachable views, which need no privilege of the caller. */
export function withinReach(context: AuditContext): Sql {
  return sql`(WITH RECURSIVE within AS (
                SELECT oid
                  FROM ${reachable(context)} AS reachable
                 UNION
                SELECT d.refobjid
                  FROM within
                  JOIN pg_rewrite r ON r.ev_class = within.oid
                  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                                  AND d.objid = r.oid
                                  AND d.refclassid = 'pg_class'::regclass
              )
              SELECT oid
                FROM within)`;
}

/** The fenced relations: tenant tables, organizations and memberships. */
export function fenced({ tenancy, tenantTables }: AuditContext): readonly RelationName[] {
  return [...tenantTables, tenancy.organizations, tenancy.memberships];
}

/** The same, and the tables of users. */
export function narrowed(context: AuditContext): readonly RelationName[] {
  return [...fenced(context), ...context.profiles.map(({ relation }) => relation)];
}

/** Views and materialized views over fenced tables, directly or through other views, by oid. */
export function viewsOverFenced(context: AuditContext): Sql {
  return sql`(WITH RECURSIVE over AS (
                SELECT oid
                  FROM ${withPartitions(narrowed(context))} AS fenced
                 UNION
                SELECT r.ev_class
                  FROM over
                  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = over.oid
                  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
              )
              SELECT c.oid,
                     n.nspname AS schema,
                     c.relname AS name,
                     c.relkind AS kind,
                     c.reloptions AS options,
                     c.relowner AS owner
                FROM over
                JOIN pg_class c ON c.oid = over.oid
                JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('v', 'm'))`;
}

const invokes = sql`coalesce(c.reloptions, '{}') && ARRAY['security_invoker=on', 'security_invoker=true', 'security_invoker=1', 'security_invoker=yes']`;

/**
 * The views that can be reached, and what is read below them with a view's owner's rights, as a query of oid and view (the
 * one that can be reached). Below a view with security_invoker the caller needs privileges of its own: nothing is followed.
 */
export function readAsOwner(context: AuditContext): Sql {
  return sql`(WITH RECURSIVE below AS (
                SELECT r.oid,
                       r.oid AS reached
                  FROM ${reachable(context)} AS r
                  JOIN pg_class c ON c.oid = r.oid AND NOT ${invokes}
                 WHERE r.kind IN ('v', 'm')
                 UNION
                SELECT d.refobjid,
                       below.reached
                  FROM below
                  JOIN pg_class c ON c.oid = below.oid AND c.relkind IN ('v', 'm') AND NOT ${invokes}
                  JOIN pg_rewrite w ON w.ev_class = c.oid
                  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                                  AND d.objid = w.oid
                                  AND d.refclassid = 'pg_class'::regclass
                                  AND d.refobjid <> c.oid
              )
              SELECT below.oid,
                     format('%I.%I', n.nspname, v.relname) AS view
                FROM below
                JOIN pg_class v ON v.oid = below.reached
                JOIN pg_namespace n ON n.oid = v.relnamespace)`;
}
