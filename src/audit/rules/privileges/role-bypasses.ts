import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, fenced, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const roleBypasses: Rule = {
  id: "role-bypasses",
  severity: "critical",
  title: "A role of requests is not bound by row-level security",
  why: "Superusers, roles with BYPASSRLS and, without FORCE, a table's owner pass every policy; so does a role that may become one of them.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT api.role AS object,
           CASE
             WHEN t.oid IS NULL THEN format('may act as %I, which row-level security does not bind', r.rolname)
             ELSE format('may act as %I, which owns %I.%I', r.rolname, t.schema, t.name)
           END AS fact,
           CASE
             WHEN api.role <> r.rolname THEN format('REVOKE %I FROM %I;', r.rolname, api.role)
             WHEN t.oid IS NULL THEN format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', r.rolname)
             ELSE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY;', t.schema, t.name)
           END AS fix
      FROM ${apiRoles(context)}
      JOIN pg_roles r ON pg_has_role(api.role, r.oid, 'MEMBER')
      LEFT JOIN (${relationsNamed(fenced(context))} AS t
                 JOIN pg_class c ON c.oid = t.oid AND NOT c.relforcerowsecurity)
        ON c.relowner = r.oid
     WHERE r.rolsuper
        OR r.rolbypassrls
        OR t.oid IS NOT NULL
  `,
  mutants: [
    {
      name: "a role of requests with BYPASSRLS",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ role }) => [sql`ALTER ROLE ${ident(role)} BYPASSRLS`],
    },
    {
      name: "a role of requests that owns a tenant table",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ table, role }) => [sql`ALTER TABLE ${ident(table)} OWNER TO ${ident(role)}`],
    },
    {
      name: "a role of requests that may become one with BYPASSRLS",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE ROLE mutant_bypass BYPASSRLS`,
        sql`GRANT mutant_bypass TO ${ident(role)}`,
      ],
    },
  ],
};
