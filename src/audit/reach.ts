import { isUserSchema } from "../catalog/system-schemas.ts";
import type { RelationName } from "../postgres/sql.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import type { AuditContext } from "./rule.ts";

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

/** The application's roles, as `api (role)`. */
export function apiRoles({ roles }: AuditContext): Sql {
  return sql`unnest(${[...roles]}::text[]) AS api (role)`;
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
