import type { Routines } from "../../../catalog/routines/routine.ts";
import { isFenced, type Tenants } from "../../../catalog/routines/tenants.ts";
import { today } from "../../../config/accepted.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import { decisionOn } from "../../../steps/definer/decisions.ts";
import { describeFunction, fixOf } from "../../../steps/definer/describe.ts";
import { type Proposed, proposeAll } from "../../../steps/definer/proposal.ts";
import { tenantsOf } from "../../../steps/definer/tenants.ts";
import type { Rule } from "../../rule.ts";

/** Whether only triggers of fenced tables run a function. */
function firedByFencedOnly(
  { routine }: Proposed,
  { triggers, relations }: Routines,
  tenants: Tenants,
): boolean {
  const on = triggers
    .filter((trigger) => trigger.routine === routine.oid)
    .flatMap(({ relation }) => relations.find(({ oid }) => oid === relation) ?? []);
  return routine.returnsTrigger && on.every((relation) => isFenced(tenants, relation));
}

export const definerFunction: Rule = {
  id: "definer-function",
  severity: "critical",
  title: "Requests reach a function that runs as its owner",
  why: "Row-level security does not apply to a SECURITY DEFINER function where it does not apply to its owner; what it returns, counts or writes crosses tenants unless it checks the organization.",
  source: "https://www.postgresql.org/docs/current/sql-createfunction.html",
  async find(_, context) {
    const { tenancy, roles, tenantTables, sharedTables, functions, calls } = context;
    const tenants = tenantsOf(tenancy, tenantTables, sharedTables);
    const routines = await context.routines();
    return (
      proposeAll(routines, tenants, calls)
        .filter(({ proposal }) => proposal.do !== "nothing")
        .filter(({ routine }) => {
          const decision = decisionOn(functions, routine, tenancy.organizations.schema);
          return decision?.do !== "keep" || decision.until < today();
        })
        // Triggers of fenced tables have a rule of their own.
        .filter((one) => !firedByFencedOnly(one, routines, tenants))
        .map((one) => ({
          object: one.routine.shown,
          fact: describeFunction(one),
          fix: fixOf(one, roles, tenants),
        }))
    );
  },
  mutants: [
    {
      name: "a function that returns rows as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.everything() RETURNS SETOF ${ident(table)} LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog BEGIN ATOMIC SELECT * FROM ${ident(table)}; END`,
      ],
    },
    {
      name: "a function that counts as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.how_many() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog RETURN (SELECT count(*) FROM ${ident(table)})`,
      ],
    },
    {
      name: "a function that writes as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.empty_it() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog BEGIN ATOMIC DELETE FROM ${ident(table)}; END`,
      ],
    },
  ],
};
