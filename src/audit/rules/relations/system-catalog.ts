import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, readAsOwner } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

/** PostgreSQL's tables and views that nobody but a superuser may read: samples of rows, files, passwords. */
const closed = [
  "pg_statistic",
  "pg_statistic_ext_data",
  "pg_largeobject",
  "pg_authid",
  "pg_shadow",
  "pg_user_mapping",
  "pg_hba_file_rules",
  "pg_file_settings",
];

export const systemCatalog: Rule = {
  id: "system-catalog",
  severity: "critical",
  title: "Requests can read what PostgreSQL keeps for superusers",
  why: "pg_statistic and pg_statistic_ext_data hold the commonest values of every column, of all tenants; pg_stats shows the same rows to those who may read them. Others hold files, passwords and the passwords for other servers.",
  source: "https://www.postgresql.org/docs/current/catalog-pg-statistic.html",
  findings: (context) => sql`
    SELECT format('pg_catalog.%I', c.relname) AS object,
           format('%I may read it', api.role) AS fact,
           format('REVOKE ALL ON pg_catalog.%I FROM PUBLIC, %I;', c.relname, api.role)
           || coalesce((SELECT format(' REVOKE SELECT (%s) ON pg_catalog.%I FROM PUBLIC, %I;', string_agg(quote_ident(a.attname), ', '), c.relname, api.role)
                          FROM pg_attribute a
                         WHERE a.attrelid = c.oid
                           AND a.attacl IS NOT NULL
                        HAVING count(*) > 0), '') AS fix
      FROM pg_class c
     CROSS JOIN ${apiRoles(context)}
     WHERE c.relnamespace = 'pg_catalog'::regnamespace
       AND c.relname = ANY (${closed}::text[])
       AND NOT pg_has_role(api.role, 'pg_read_all_data', 'USAGE')
       AND has_any_column_privilege(api.role, c.oid, 'SELECT')
     UNION ALL
    SELECT shown.view,
           'reads it as its owner, and requests can reach it',
           format('REVOKE ALL ON %s FROM PUBLIC, %s;', shown.view, (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)}))
      -- OFFSET 0: the definitions of all other views are not printed.
      FROM (SELECT below.view,
                   c.oid
              FROM ${readAsOwner(context)} AS below
              JOIN pg_class c ON c.oid = below.oid AND c.relkind IN ('v', 'm')
            OFFSET 0) AS shown
       -- PostgreSQL keeps no dependencies on its own tables.
     WHERE pg_get_viewdef(shown.oid) ~ ${`\\m(${closed.join("|")})\\M`}
  `,
  mutants: [
    {
      name: "the planner's statistics open to requests",
      leak: "system-catalog",
      kind: "damage",
      damage: ({ role }) => [sql`GRANT SELECT ON pg_catalog.pg_statistic TO ${ident(role)}`],
    },
    {
      name: "a view over the planner's statistics",
      leak: "system-catalog",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE VIEW public.common_values AS SELECT starelid, stavalues1::text FROM pg_catalog.pg_statistic`,
        sql`GRANT SELECT ON public.common_values TO ${ident(role)}`,
      ],
    },
  ],
};
