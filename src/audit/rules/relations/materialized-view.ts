import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, reachable, viewsOverFenced } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const materializedView: Rule = {
  id: "materialized-view",
  severity: "critical",
  title: "A materialized view holds tenants' rows",
  why: "Row-level security does not exist for materialized views: a role that may read it reads what its owner saw when it was refreshed.",
  source: "https://www.postgresql.org/docs/current/rules-materializedviews.html",
  findings: (context) => sql`
    SELECT format('%I.%I', v.schema, v.name) AS object,
           'holds rows of tenant tables, and requests can read it' AS fact,
           format('REVOKE ALL ON %I.%I FROM %s; -- or hardening.materializedViews in the configuration', v.schema, v.name,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)})) AS fix
      FROM ${viewsOverFenced(context)} AS v
      JOIN ${reachable(context)} AS r ON r.oid = v.oid
     WHERE v.kind = 'm'
  `,
  mutants: [
    {
      name: "a materialized view of a tenant table",
      leak: "materialized-view",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE MATERIALIZED VIEW public.stored AS SELECT * FROM ${ident(table)}`,
        sql`GRANT SELECT ON public.stored TO ${ident(role)}`,
      ],
    },
    {
      name: "a materialized view of a view of a tenant table",
      leak: "materialized-view",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE VIEW public.between AS SELECT count(*) AS rows FROM ${ident(table)}`,
        sql`CREATE MATERIALIZED VIEW public.stored AS SELECT * FROM public.between`,
        sql`GRANT SELECT ON public.stored TO ${ident(role)}`,
      ],
    },
  ],
};
