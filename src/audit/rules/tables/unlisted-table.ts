import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, narrowed, reachable, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const unlistedTable: Rule = {
  id: "unlisted-table",
  severity: "high",
  title: "Requests can reach a table that the configuration does not name",
  why: "The configuration does not say whether its rows belong to tenants or to all: a forgotten table is a leak.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', r.schema, r.name) AS object,
           'is not named in the configuration, and requests can reach it' AS fact,
           format('-- name it in day2.tables, sharedTables, profiles or exemptTables, then: tenantry fence %I.%I; or: REVOKE ALL ON %I.%I FROM %s;', r.schema, r.name, r.schema, r.name,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)})) AS fix
      FROM ${reachable(context)} AS r
     WHERE r.kind IN ('r', 'p')
       AND r.oid NOT IN (SELECT oid
                           FROM ${withPartitions([
                             ...narrowed(context),
                             ...context.sharedTables,
                             ...context.exemptTables,
                             context.tenancy.users.relation,
                           ])} AS named)
  `,
  mutants: [
    {
      name: "a new table without an organization",
      leak: "row-security-off",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE TABLE public.forgotten (id integer, secret text)`,
        sql`ALTER TABLE public.forgotten ENABLE ROW LEVEL SECURITY`,
        sql`GRANT SELECT ON public.forgotten TO ${ident(role)}`,
      ],
    },
  ],
};
