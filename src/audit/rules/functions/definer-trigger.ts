import { ident, literal, sql } from "../../../postgres/sql.ts";
import { fenced, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const definerTrigger: Rule = {
  id: "definer-trigger",
  severity: "high",
  title: "A trigger of a tenant table runs as its owner",
  why: "A permitted write of one tenant then writes with the owner's rights, to any table: another tenant's rows included.",
  source: "https://www.postgresql.org/docs/current/plpgsql-trigger.html",
  findings: (context) => sql`
    SELECT format('%I on %I.%I', g.tgname, t.schema, t.name) AS object,
           format('runs %s as %I', p.oid::regprocedure, pg_get_userbyid(p.proowner)) AS fact,
           format('-- %s must write rows of the organization of NEW or OLD only. Where its writer may do all that it does: ALTER FUNCTION … SECURITY INVOKER', p.oid::regprocedure) AS fix
      FROM ${withPartitions(fenced(context))} AS t
      JOIN pg_trigger g ON g.tgrelid = t.oid
      JOIN pg_proc p ON p.oid = g.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE NOT g.tgisinternal
       -- The parent's trigger stands for those of its partitions.
       AND g.tgparentid = 0
       AND g.tgenabled <> 'D'
       AND p.prosecdef
       AND n.nspname <> ${literal(context.tenancy.helpers.schema)}
  `,
  mutants: [
    {
      name: "a trigger that writes as its owner",
      leak: "definer-trigger",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.audit_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS 'BEGIN RETURN NEW; END'`,
        sql`CREATE TRIGGER audit_it AFTER INSERT ON ${ident(table)} FOR EACH ROW EXECUTE FUNCTION public.audit_it()`,
      ],
    },
  ],
};
