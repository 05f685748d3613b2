import { isInTree } from "../../../src/catalog/partitions.ts";
import type { Policy } from "../../../src/catalog/relations.ts";
import { requestRoles } from "../../../src/config/settings.ts";
import { commandsOf, replacePolicies } from "../../../src/steps/hardening/old-policies.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import type { TablePlan } from "../../../src/steps/model/table-plan.ts";
import { permissivePolicies } from "../../../src/steps/table/fence.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { letsEverybodyThrough } from "./open-condition.ts";
import { tenantTables } from "./tenant-tables.ts";

type OldPolicy = { readonly table: TablePlan; readonly policy: Policy };

/** Permissive policies from before the plan that let every row through: only the guard narrows them. */
export const policies = hardening<OldPolicy>({
  setting: "policies",
  are: "policies that let everybody through",
  find: openPolicies,
  concerns: ({ table }) => [table.relation],
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
        // Requests do not use policies for the service role alone.
        .filter(({ roles }) => roles === null || roles.some((role) => asking.includes(role)))
        .filter((policy) =>
          conditionsOf(policy).some((one) => letsEverybodyThrough(one, table, context)),
        )
        .map((policy) => {
          const target = { table, policy };
          return {
            name: `${table.label}.${policy.name}`,
            target,
            whyItStays: whyItStays(context, target),
          };
        })
    );
  });
}

function whyItStays(context: StageContext, { table, policy }: OldPolicy): string | undefined {
  if (isInTree(table.existing)) return "is of a partition or an inheriting table";
  if (!conditionsOf(policy).every((one) => letsEverybodyThrough(one, table, context))) {
    return "lets everybody through in one of its conditions only: the other may be intended";
  }
  const writes = commandsOf(policy).filter((command) => command !== "r");
  if (table.access === "admins" && writes.length > 0 && policy.command !== "*") {
    return "is for one command, and the plan's policy of a table for admins is for all";
  }
  return undefined;
}

function conditionsOf({ using, check }: Policy): string[] {
  return [using, check].filter((condition) => condition !== null);
}
