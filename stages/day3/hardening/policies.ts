import type { Policy } from "../../../src/catalog/relations.ts";
import { requestRoles } from "../../../src/config/settings.ts";
import { permissivePolicies } from "../../../src/steps/fence.ts";
import { commandsOf, replacePolicies } from "../../../src/steps/old-policies.ts";
import type { StageContext } from "../../../src/steps/stage.ts";
import type { TablePlan } from "../../../src/steps/table-plan.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { tenantTables } from "./tenant-tables.ts";

type OldPolicy = { readonly table: TablePlan; readonly policy: Policy };

/** Old policies that let everybody through, which the guard alone narrows. */
export const policies = hardening<OldPolicy>({
  part: "policies",
  are: "policies that let everybody through",
  find: openPolicies,
  steps: (old, context) =>
    tenantTables(context).flatMap((table) => {
      const [first, ...others] = old
        .filter((one) => one.table.label === table.label)
        .map(({ policy }) => policy);
      return first === undefined ? [] : [replacePolicies(table, [first, ...others])];
    }),
});

function openPolicies(context: StageContext): Candidate<OldPolicy>[] {
  const asking = requestRoles(context.settings);
  return tenantTables(context).flatMap((table) => {
    const planned = permissivePolicies(table).map(({ name }) => name);
    return (
      table.existing.policies
        .filter(({ permissive, name }) => permissive && !planned.includes(name))
        // Policies for the service role alone are no requests'.
        .filter(({ roles }) => roles === null || roles.some((role) => asking.includes(role)))
        .filter((policy) => conditionsOf(policy).some((one) => letsEverybodyThrough(one, table)))
        .map((policy) => {
          const what = { table, policy };
          return { name: `${table.label}.${policy.name}`, what, stays: whyItStays(what) };
        })
    );
  });
}

function whyItStays({ table, policy }: OldPolicy): string | undefined {
  if (table.existing.inherits) return "is of a partition or an inheriting table";
  if (!conditionsOf(policy).every((one) => letsEverybodyThrough(one, table))) {
    return "lets everybody through in one of its conditions only: the other may be meant";
  }
  const writes = commandsOf(policy).filter((command) => command !== "r");
  if (table.access === "admins" && writes.length > 0 && policy.command !== "*") {
    return "is for one command, and the plan's policy of an admins' table is for all";
  }
  return undefined;
}

function conditionsOf({ using, check }: Policy): string[] {
  return [using, check].filter((condition) => condition !== null);
}

/** Of whoever is signed in, and so of every member. */
const ofEverybodySignedIn = [
  /^\(auth\.uid\(\) IS NOT NULL\)$/,
  /^\(\( SELECT auth\.uid\(\) AS uid\) IS NOT NULL\)$/,
  /^\(auth\.role\(\) = 'authenticated'::text\)$/,
  /^\(\( SELECT auth\.role\(\) AS role\) = 'authenticated'::text\)$/,
];

/** Whether a condition, as the server writes it, holds of every row for every member. */
function letsEverybodyThrough(condition: string, { existing }: TablePlan): boolean {
  if (condition === "true") return true;
  if (ofEverybodySignedIn.some((pattern) => pattern.test(condition))) return true;
  const same = /^\((.+) = \1\)$/.exec(condition)?.[1];
  const there = /^\((.+) IS NOT NULL\)$/.exec(condition)?.[1];
  const name = same ?? there;
  if (name === undefined) return false;
  // Of a constant; of NULL, nothing is equal.
  if (same !== undefined && /^(\d+|'[^']*'::text|true)$/.test(same)) return true;
  return existing.columns.some(
    (column) => column.notNull && (column.name === name || `"${column.name}"` === name),
  );
}
