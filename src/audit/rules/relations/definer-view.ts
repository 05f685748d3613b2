import { ident, sql } from "../../../postgres/sql.ts";
import { viewsOverFenced, withinReach } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const definerView: Rule = {
  id: "definer-view",
  severity: "critical",
  title: "A view reads tenant tables as its owner",
  why: "A view without security_invoker reads as its owner, past row-level security where the owner owns the tables or bypasses it; so does one under a view that has it.",
  source: "https://www.postgresql.org/docs/current/sql-createview.html",
  findings: (context) => sql`
    SELECT format('%I.%I', v.schema, v.name) AS object,
           format('reads tenant tables as %I', pg_get_userbyid(v.owner)) AS fact,
           CASE
             WHEN current_setting('server_version_num')::integer >= 150000
               THEN format('ALTER VIEW %I.%I SET (security_invoker = on); -- or hardening.views in the configuration', v.schema, v.name)
             ELSE format('REVOKE ALL ON %I.%I FROM PUBLIC; -- and from the roles of requests: before PostgreSQL 15 a view cannot read as its caller', v.schema, v.name)
           END AS fix
      FROM ${viewsOverFenced(context)} AS v
     WHERE v.kind = 'v'
       AND NOT coalesce(v.options, '{}') && ARRAY['security_invoker=on', 'security_invoker=true', 'security_invoker=1', 'security_invoker=yes']
       AND v.oid IN (SELECT oid FROM ${withinReach(context)} AS within)
  `,
  mutants: [
    {
      name: "a view that reads as its owner",
      leak: "definer-view",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE VIEW public.shown AS SELECT * FROM ${ident(table)}`,
        sql`GRANT SELECT ON public.shown TO ${ident(role)}`,
      ],
    },
    {
      name: "a view that reads as its owner below one with security_invoker",
      leak: "definer-view",
      since: 15,
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE VIEW public.inner_view AS SELECT * FROM ${ident(table)}`,
        sql`CREATE VIEW public.outer_view WITH (security_invoker = on) AS SELECT * FROM public.inner_view`,
        sql`GRANT SELECT ON public.outer_view, public.inner_view TO ${ident(role)}`,
      ],
    },
  ],
};
