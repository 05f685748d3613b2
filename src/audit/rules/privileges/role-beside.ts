import { rolesBeside } from "../../../catalog/request-roles.ts";
import { roleBesideRule } from "../../../config/settings.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const roleBeside: Rule = {
  id: roleBesideRule,
  severity: "critical",
  title: "Requests can become a role that the configuration does not name",
  why: "The proof, the plan and the grants are for the roles of the configuration. With SET ROLE, or a token that names the role, a request has the grants, views and attributes of another one.",
  source: "https://www.postgresql.org/docs/current/sql-set-role.html",
  findings: ({ requests }) => sql`
    SELECT beside.role AS object,
           coalesce(format('can be set by %s, and the configuration does not name it', beside.by),
                    'is used by this database, and the configuration does not name it') AS fact,
           coalesce(beside.revoke, format('-- name %I in roles.anonymous of the configuration', beside.role)) AS fix
      FROM ${rolesBeside(requests, requests.listed)} AS beside
  `,
  mutants: [
    {
      name: "a role beside, with a view of its own",
      leak: "role-beside",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE ROLE mutant_beside`,
        sql`CREATE VIEW public.for_beside AS SELECT * FROM ${ident(table)}`,
        sql`GRANT SELECT ON public.for_beside TO mutant_beside`,
        sql`ALTER ROLE ${ident(role)} NOINHERIT`,
        sql`GRANT mutant_beside TO ${ident(role)}`,
      ],
    },
    {
      name: "a role that requests may grant to themselves",
      leak: "role-beside",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE ROLE mutant_granted`,
        sql`ALTER ROLE ${ident(role)} NOINHERIT`,
        sql`GRANT mutant_granted TO ${ident(role)} WITH ADMIN OPTION`,
      ],
    },
  ],
};
