import type { Routine } from "../../../src/catalog/routines/routine.ts";
import { requestRoles } from "../../../src/config/settings.ts";
import { decisionOn, plain } from "../../../src/steps/definer/decisions.ts";
import type { GuardPlan } from "../../../src/steps/definer/guard.ts";
import { guardFunction } from "../../../src/steps/definer/guard-step.ts";
import {
  copyOf,
  type Proposed,
  proposeAll,
  standsOn,
} from "../../../src/steps/definer/proposal.ts";
import { revokeFunction } from "../../../src/steps/definer/revoke-step.ts";
import { tenantsOf } from "../../../src/steps/definer/tenants.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import { type Candidate, type Hardening, hardening } from "./hardening.ts";
import { grantsToRequests, whyPrivilegesStay } from "./takable-grants.ts";
import { tenantTables } from "./tenant-tables.ts";

type Wanted = { readonly routine: Routine; readonly label: string } & (
  | { readonly do: "revoke" }
  | { readonly do: "guard"; readonly plan: GuardPlan }
  | { readonly do: "nothing" }
);

const kind = hardening<Wanted>({
  setting: "definerFunctions",
  are: "functions that run as their owner and reach rows of others",
  find,
  also: (context) =>
    proposals(context)
      .filter(({ routine }) => ["revoke", "guard"].includes(decided(context, routine)?.do ?? ""))
      .map(({ routine }) => labelOf(context, routine)),
  // A function belongs to no table that came later.
  concerns: () => [],
  steps: (wanted, context) => wanted.flatMap((one) => stepOf(context, one)),
});

/** Functions with their owner's rights: requests lose EXECUTE, or get a check before the function. */
export const definerFunctions: Hardening = {
  ...kind,
  faults: (context) => [...kind.faults(context), ...unknownFunctions(context)],
};

/** A decision about no function has no effect, which is more likely a mistake than intended. */
function unknownFunctions(context: StageContext) {
  const { settings, routines } = context;
  if (routines === undefined) return [];
  return settings.functions.flatMap((decision, index) => {
    const known = routines.routines.some((one) => decided(context, one) === decision);
    const names = routines.routines
      .filter(({ name }) => plain(decision.function, settings.schema).startsWith(`${name}(`))
      .map((one) => labelOf(context, one));
    const fix =
      names.length === 0
        ? "take it out, or write it as tenantry audit prints it"
        : `did you mean ${names.join(" or ")}?`;
    const path = `functions[${index}].function`;
    return known ? [] : [{ path, fault: `there is no function ${decision.function}`, fix }];
  });
}

function decided({ settings }: StageContext, routine: Routine) {
  return decisionOn(settings.functions, routine, settings.schema);
}

function labelOf({ settings }: StageContext, { signature }: Routine): string {
  const prefix = `${settings.schema}.`;
  return signature.startsWith(prefix) ? signature.slice(prefix.length) : signature;
}

function tenants(context: StageContext) {
  const tables = tenantTables(context).map(({ relation }) => relation);
  const shared = context.settings.shared.map(({ relation }) => relation);
  return tenantsOf(context.tenancy, tables, shared);
}

function proposals(context: StageContext): readonly Proposed[] {
  const { routines, calls } = context;
  if (routines === undefined) return [];
  return proposeAll(routines, tenants(context), calls).filter(({ closed }) => !closed);
}

function find(context: StageContext): Candidate<Wanted>[] {
  return proposals(context).flatMap((one) => {
    const { routine, proposal, guard } = one;
    const decision = decided(context, routine);
    const label = labelOf(context, routine);
    const named = { routine, label };
    const candidate = (target: Wanted, whyItStays: string | undefined) => [
      { name: label, target, whyItStays },
    ];
    if (decision?.do === "keep") return [];
    const wanted = decision?.do ?? proposal.do;
    if (wanted === "revoke")
      return candidate({ ...named, do: "revoke" }, whyNotRevoked(context, one));
    if (wanted === "guard") {
      return "impossible" in guard
        ? candidate({ ...named, do: "nothing" }, `cannot be guarded: it ${guard.impossible}`)
        : candidate({ ...named, do: "guard", plan: guard }, whyNotGuarded(context, one));
    }
    const why = `${proposal.because}: decide in the configuration's functions`;
    return candidate({ ...named, do: "nothing" }, why);
  });
}

function whyNotRevoked(context: StageContext, one: Proposed): string | undefined {
  const { routine, calls } = one;
  const { mayAlter, owner, access } = routine;
  const roles = requestRoles(context.settings);
  if (!mayAlter) return `belongs to ${owner}`;
  const [call] = calls;
  if (call !== undefined) return `is called by the application in ${call.place}, which would fail`;
  const [standing] = standsOn(one);
  if (standing !== undefined) return `is called by ${standing} with the privileges of the request`;
  if (grantsToRequests(access, roles).length === 0) return "has no grant to revoke";
  return whyPrivilegesStay(access, roles, owner, ["EXECUTE"]);
}

function whyNotGuarded(context: StageContext, { routine }: Proposed): string | undefined {
  const { server } = context.snapshot;
  const { mayAlter, owner, settings, atomic, source } = routine;
  const routines = context.routines;
  if (!mayAlter) return `belongs to ${owner}`;
  if (owner !== server.user && !routine.ownerBypasses)
    return `belongs to ${owner}, who may not use the schema of the helpers`;
  if (routines !== undefined && copyOf(routines, tenants(context), routine) !== undefined)
    return `would get a copy in the schema ${context.tenancy.helpers.schema}, which has a function of this name`;
  const pinned = atomic || settings.some((one) => one.startsWith("search_path="));
  return pinned || !/search_path/i.test(source)
    ? undefined
    : "has search_path in its body: it may set it itself";
}

function stepOf(context: StageContext, wanted: Wanted) {
  const roles = requestRoles(context.settings);
  const { routine, label } = wanted;
  switch (wanted.do) {
    case "revoke":
      return [revokeFunction(routine, label, roles)];
    case "guard": {
      const searchPath = context.snapshot.server.searchPath.filter(
        (schema) => !/^pg_temp(_\d+)?$/.test(schema),
      );
      const options = { label, tenants: tenants(context), roles, searchPath };
      return [guardFunction(routine, wanted.plan, options)];
    }
    case "nothing":
      return [];
    default:
      return wanted satisfies never;
  }
}
