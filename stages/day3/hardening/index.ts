import type { Fault } from "../../../src/config/settings.ts";
import type { Guard, StageContext } from "../../../src/steps/model/stage.ts";
import type { Step } from "../../../src/steps/model/step.ts";
import { defaultPrivileges } from "./default-privileges.ts";
import { definerFunctions } from "./definer-functions.ts";
import { foreignKeys } from "./foreign-keys.ts";
import { functions } from "./functions.ts";
import type { Hardening, HardeningSetting } from "./hardening.ts";
import { materializedViews } from "./materialized-views.ts";
import { policies } from "./policies.ts";
import { sequences } from "./sequences.ts";
import { uniqueConstraints } from "./unique-constraints.ts";
import { views } from "./views.ts";

/** Every kind, by its setting and in the order of its steps. To add one: a file, and a line here. */
const kinds: Readonly<Record<HardeningSetting, Hardening>> = {
  foreignKeys,
  uniqueConstraints,
  policies,
  views,
  materializedViews,
  functions,
  definerFunctions,
  sequences,
  defaultPrivileges,
};

const all = Object.values(kinds);

/** The steps of all that the configuration wants hardened. */
export function harden(context: StageContext): Step[] {
  return all.flatMap(({ steps }) => steps(context));
}

/** What is wrong with the names in the configuration. */
export function hardeningFaults(context: StageContext): Fault[] {
  return all.flatMap(({ faults }) => faults(context));
}

/** What stays as it is, and why. */
export function notHardened(context: StageContext): string[] {
  return all.flatMap(({ notes }) => notes(context));
}

/** What must hold before all of it is undone. */
export function hardeningGuards(context: StageContext): Guard[] {
  return all.flatMap(({ guards }) => guards(context));
}
