import { ident, sql } from "../../../postgres/sql.ts";
import { fenced, reachable, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const viewWrites: Rule = {
  id: "view-writes",
  severity: "high",
  title: "A write to a view, or to another table, becomes a write as its owner",
  why: "Rules of a view run with the rights of its owner, also where it has security_invoker, and so does an INSTEAD OF trigger whose function is SECURITY DEFINER: a permitted write becomes another one, to which no policy applies.",
  source: "https://www.postgresql.org/docs/current/rules-privileges.html",
  findings: (context) => sql`
    SELECT format('%I on %I.%I', w.rulename, r.schema, r.name) AS object,
           'is a rule, whose actions run as the owner of the relation' AS fact,
           format('DROP RULE %I ON %I.%I;', w.rulename, r.schema, r.name) AS fix
      FROM ${reachable(context)} AS r
      JOIN pg_rewrite w ON w.ev_class = r.oid
     WHERE w.ev_type <> '1'
       AND w.ev_enabled <> 'D'
       AND pg_get_ruledef(w.oid) !~ ' NOTHING;$'
       AND r.oid NOT IN (SELECT oid FROM ${relationsNamed(fenced(context))} AS fenced)
     UNION ALL
    SELECT format('%I on %I.%I', g.tgname, r.schema, r.name),
           format('runs %s as %I', p.oid::regprocedure, pg_get_userbyid(p.proowner)),
           format('-- %s must check the organization of the rows that it writes; or: DROP TRIGGER %I ON %I.%I;', p.oid::regprocedure, g.tgname, r.schema, r.name)
      FROM ${reachable(context)} AS r
      JOIN pg_trigger g ON g.tgrelid = r.oid
      JOIN pg_proc p ON p.oid = g.tgfoid
     WHERE r.kind = 'v'
       AND g.tgenabled <> 'D'
       AND p.prosecdef
  `,
  mutants: [
    {
      name: "a view whose INSTEAD OF trigger writes as its owner",
      leak: "definer-trigger",
      since: 15,
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE VIEW public.written WITH (security_invoker = on) AS SELECT id FROM ${ident(table)}`,
        sql`CREATE FUNCTION public.write_as_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS 'BEGIN RETURN NEW; END'`,
        sql`CREATE TRIGGER instead INSTEAD OF INSERT ON public.written FOR EACH ROW EXECUTE FUNCTION public.write_as_owner()`,
        sql`GRANT SELECT, INSERT ON public.written TO ${ident(role)}`,
      ],
    },
    {
      name: "a view whose rule writes as its owner",
      leak: "definer-trigger",
      since: 15,
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE VIEW public.ruled WITH (security_invoker = on) AS SELECT id FROM ${ident(table)}`,
        sql`CREATE RULE across AS ON DELETE TO public.ruled DO INSTEAD DELETE FROM ${ident(table)} WHERE id = OLD.id`,
        sql`GRANT SELECT, DELETE ON public.ruled TO ${ident(role)}`,
      ],
    },
  ],
};
