import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type RelationName, type Sql, sql } from "../../postgres/sql.ts";

const relationSchema = z.object({ schema: z.string(), name: z.string() });

/** What a fence consists of, by name. It is kept with the state: a later configuration does not change it. */
export const fenceScopeSchema = z.object({
  /** The organization's column of tenant tables. */
  column: z.string(),
  tables: z.array(relationSchema),
  shared: z.array(relationSchema),
  organizations: relationSchema,
  memberships: relationSchema,
  users: relationSchema.extend({ id: z.string() }),
  helpers: z.object({ schema: z.string(), functions: z.array(z.string()) }),
  roles: z.object({
    /** The roles that requests run as. */
    requests: z.array(z.string()),
    /** The role that they log in as; null: any role that may log in and become one of them. */
    login: z.string().nullable(),
  }),
});

export type FenceScope = z.output<typeof fenceScopeSchema>;

const tableSchema = z.object({
  oid: z.string(),
  object: z.string(),
  part: z.enum(["tenant", "shared", "organizations", "memberships", "users"]),
});

/** A table of the fence that exists, or a partition of one. */
export type FencedTable = z.output<typeof tableSchema>;

/** The tables of the fence, with their partitions at every level. */
export function readFencedTables(queries: Queries, scope: FenceScope): Promise<FencedTable[]> {
  const named: readonly (RelationName & { part: FencedTable["part"] })[] = [
    { ...scope.organizations, part: "organizations" },
    { ...scope.memberships, part: "memberships" },
    { ...scope.users, part: "users" },
    ...scope.tables.map((table) => ({ ...table, part: "tenant" as const })),
    ...scope.shared.map((table) => ({ ...table, part: "shared" as const })),
  ];
  return queries.rows(
    sql`
      WITH RECURSIVE tree AS (
        SELECT c.oid,
               wanted.part
          FROM unnest(${named.map(({ schema }) => schema)}::text[],
                      ${named.map(({ name }) => name)}::text[],
                      ${named.map(({ part }) => part)}::text[]) AS wanted (schema, name, part)
          JOIN pg_namespace n ON n.nspname = wanted.schema
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
         UNION
        SELECT c.oid,
               tree.part
          FROM tree
          JOIN pg_inherits i ON i.inhparent = tree.oid
          JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
      )
      SELECT tree.oid::text,
             (CASE WHEN c.relispartition THEN 'partition ' ELSE 'table ' END) || format('%I.%I', n.nspname, c.relname) AS object,
             min(tree.part) AS part
        FROM tree
        JOIN pg_class c ON c.oid = tree.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       GROUP BY tree.oid, c.relispartition, n.nspname, c.relname
       ORDER BY 2
    `,
    tableSchema,
  );
}

/** The tables as a FROM item with the columns `oid`, `object` and `part`. */
export function tablesItem(tables: readonly FencedTable[]): Sql {
  return sql`
    (SELECT oid::oid,
            object,
            part
       FROM unnest(${tables.map(({ oid }) => oid)}::text[],
                   ${tables.map(({ object }) => object)}::text[],
                   ${tables.map(({ part }) => part)}::text[]) AS of_fence (oid, object, part))
  `;
}

/**
 * Whether a trigger of a table of the fence is part of what the fence stands on: of organizations,
 * memberships and users each, of other tables Tenantry's own, and those that run as somebody else than the writer.
 * The application goes on adding others, whose effects the policies judge.
 */
export function isOfFence(trigger: Sql): Sql {
  return sql`(fenced.part NOT IN ('tenant', 'shared')
              OR starts_with(${trigger}.tgname, '~')
              OR EXISTS (SELECT
                           FROM pg_proc f
                          WHERE f.oid = ${trigger}.tgfoid
                            AND (f.prosecdef OR f.proconfig IS NOT NULL)))`;
}

/**
 * The roles that a request has by its login, and those that they may become, at every level.
 * @returns names, in order
 */
export async function readScopeRoles(
  queries: Queries,
  { roles }: FenceScope,
): Promise<{ readonly base: readonly string[]; readonly all: readonly string[] }> {
  const found = await queries.rows(
    sql`
      WITH RECURSIVE base AS (
        SELECT r.oid
          FROM pg_roles r
         WHERE r.rolname = ANY (${roles.requests}::text[])
            OR r.rolname = ${roles.login}::text
            OR (${roles.login}::text IS NULL
                AND r.rolcanlogin
                AND EXISTS (SELECT
                              FROM pg_auth_members m
                              JOIN pg_roles asking ON asking.oid = m.roleid
                             WHERE m.member = r.oid
                               AND asking.rolname = ANY (${roles.requests}::text[])))
      ), within AS (
        SELECT oid
          FROM base
         UNION
        SELECT m.roleid
          FROM within
          JOIN pg_auth_members m ON m.member = within.oid
      )
      SELECT r.rolname::text AS name,
             r.oid IN (SELECT oid FROM base) AS base
        FROM within
        JOIN pg_roles r ON r.oid = within.oid
       ORDER BY r.rolname
    `,
    z.object({ name: z.string(), base: z.boolean() }),
  );
  return {
    base: found.filter(({ base }) => base).map(({ name }) => name),
    all: found.map(({ name }) => name),
  };
}
