import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const statementsReadable: Rule = {
  id: "statements-readable",
  severity: "low",
  title: "Requests can read the statements of all tenants",
  why: "pg_stat_statements shows a role its own statements, and the requests of all tenants run as one role: the texts of every tenant's statements, with how often each ran and how many rows it returned.",
  source: "https://www.postgresql.org/docs/current/pgstatstatements.html",
  findings: (context) => sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS object,
           format('%I may read it', api.role) AS fact,
           format('REVOKE ALL ON %I.%I FROM PUBLIC, %I;', n.nspname, c.relname, api.role) AS fix
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN ${apiRoles(context)}
     WHERE c.relkind = 'v'
       AND c.relname IN ('pg_stat_statements', 'pg_stat_monitor')
       AND has_schema_privilege(api.role, n.oid, 'USAGE')
       AND has_any_column_privilege(api.role, c.oid, 'SELECT')
       AND NOT pg_has_role(api.role, 'pg_read_all_data', 'USAGE')
  `,
  mutants: [
    {
      name: "the texts of all statements open to requests",
      leak: "statements",
      kind: "damage",
      // Stands for the extension, whose library few servers have loaded.
      damage: ({ role }) => [
        sql`CREATE VIEW public.pg_stat_statements AS SELECT 'SELECT 1'::text AS query`,
        sql`GRANT SELECT ON public.pg_stat_statements TO ${ident(role)}`,
      ],
    },
  ],
};
