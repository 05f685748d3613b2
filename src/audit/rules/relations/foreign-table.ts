import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, reachable, readAsOwner } from "../../reach.ts";
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
           format('REVOKE ALL ON %I.%I FROM PUBLIC, %s;', r.schema, r.name,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)})) AS fix
      FROM ${reachable(context)} AS r
     WHERE r.kind = 'f'
     UNION ALL
    SELECT below.view,
           format('reads the foreign table %I.%I as its owner, and requests can reach it', n.nspname, c.relname),
           format('REVOKE ALL ON %s FROM PUBLIC, %s;', below.view,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)}))
      FROM ${readAsOwner(context)} AS below
      JOIN pg_class c ON c.oid = below.oid AND c.relkind = 'f'
      JOIN pg_namespace n ON n.oid = c.relnamespace
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
    {
      name: "a view over a foreign table",
      leak: "foreign-table",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE FOREIGN DATA WRAPPER elsewhere`,
        sql`CREATE SERVER another FOREIGN DATA WRAPPER elsewhere`,
        sql`CREATE FOREIGN TABLE public.remote (id integer) SERVER another`,
        sql`CREATE VIEW public.shown_from_there AS SELECT id FROM public.remote`,
        sql`GRANT SELECT ON public.shown_from_there TO ${ident(role)}`,
      ],
    },
  ],
};
