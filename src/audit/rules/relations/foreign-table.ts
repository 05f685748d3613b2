import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, reachable } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const foreignTable: Rule = {
  id: "foreign-table",
  severity: "critical",
  title: "Requests can reach a foreign table",
  why: "The other server is queried as one user for all tenants, and this server's row-level security does not apply there.",
  source: "https://www.postgresql.org/docs/current/sql-createforeigntable.html",
  findings: (context) => sql`
    SELECT format('%I.%I', r.schema, r.name) AS object,
           'is a foreign table that requests can reach' AS fact,
           format('REVOKE ALL ON %I.%I FROM %s;', r.schema, r.name,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)})) AS fix
      FROM ${reachable(context)} AS r
     WHERE r.kind = 'f'
  `,
  mutants: [
    {
      name: "a foreign table that requests can read",
      leak: "foreign-table",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE FOREIGN DATA WRAPPER elsewhere`,
        sql`CREATE SERVER another FOREIGN DATA WRAPPER elsewhere`,
        sql`CREATE FOREIGN TABLE public.remote (id integer) SERVER another`,
        sql`GRANT SELECT ON public.remote TO ${ident(role)}`,
      ],
    },
  ],
};
