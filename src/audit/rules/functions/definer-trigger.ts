import { z } from "zod";
import { judgeRoutine } from "../../../catalog/routines/judge.ts";
import { ident, literal, raw, sql, textOf } from "../../../postgres/sql.ts";
import { tenantsOf } from "../../../steps/definer/tenants.ts";
import { fenced, withPartitions } from "../../reach.ts";
import type { Rule, RuleContext } from "../../rule.ts";

const firedSchema = z.object({ object: z.string(), routine: z.string(), owner: z.string() });

/** The triggers of tenant tables that run as their owner, with the oid of what each runs. */
const fired = (context: RuleContext) => sql`
  SELECT format('%I on %I.%I', g.tgname, t.schema, t.name) AS object,
         p.oid::text AS routine,
         quote_ident(pg_get_userbyid(p.proowner)) AS owner
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
`;

export const definerTrigger: Rule = {
  id: "definer-trigger",
  severity: "high",
  title: "A trigger of a tenant table runs as its owner",
  why: "A permitted write of one tenant then writes with the owner's rights, to any table: another tenant's rows included.",
  source: "https://www.postgresql.org/docs/current/plpgsql-trigger.html",
  async find(queries, context) {
    const triggers = await queries.rows(fired(context), firedSchema);
    if (triggers.length === 0) return [];
    const { tenancy, tenantTables, sharedTables } = context;
    const tenants = tenantsOf(tenancy, tenantTables, sharedTables);
    const routines = await context.routines();
    return triggers.flatMap(({ object, routine: oid, owner }) => {
      const routine = routines.routines.find((one) => one.oid === oid);
      if (routine === undefined) throw new Error(`no function has the oid ${oid}`);
      const { closed, escapes } = judgeRoutine(routines, tenants, routine);
      // It touches what its writer may touch, and nothing else: one that sets updated_at, say.
      if (closed && escapes.length === 0) return [];
      const shown = routine.shown;
      const fix = `-- ${shown} must write rows of the organization of NEW or OLD only. Where its writer may do all that it does: ALTER FUNCTION … SECURITY INVOKER`;
      return [{ object, fact: `runs ${shown} as ${owner}`, fix }];
    });
  },
  mutants: [
    {
      name: "a trigger that writes as its owner",
      leak: "definer-trigger",
      kind: "damage",
      damage: ({ table, child }) => [
        sql`CREATE FUNCTION public.audit_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
              AS ${literal(`BEGIN DELETE FROM ${textOf(ident(child))} WHERE FALSE; RETURN NEW; END`)}`,
        sql`CREATE TRIGGER audit_it AFTER INSERT ON ${ident(table)} FOR EACH ROW EXECUTE FUNCTION public.audit_it()`,
      ],
    },
    {
      name: "a trigger whose dynamic SQL runs as its owner",
      leak: "definer-trigger",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.audit_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
              AS ${raw("'BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END'")}`,
        sql`CREATE TRIGGER audit_it AFTER INSERT ON ${ident(table)} FOR EACH ROW EXECUTE FUNCTION public.audit_it('SELECT 1')`,
      ],
    },
  ],
};
