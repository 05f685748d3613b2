import { guards } from "../../rollback/day2.ts";
import type { Stage } from "../../src/steps/model/stage.ts";
import { testClients } from "../personas.ts";
import { profileFaults, profilesOf, takenProfileNames } from "../profiles.ts";
import { tablesOf, takenNames } from "../tables.ts";

/** Day 2: the remaining tables. */
export const day2: Stage = {
  name: "day2",
  title: "Completion: the remaining tables",
  steps: (context) => [
    ...tablesOf(context, context.tables.day2),
    ...profilesOf(context, context.settings.profiles, "day2"),
  ],
  fences: (context) => context.tables.day2,
  personas: testClients,
  criteria: () => [],
  leavesOut: () => [],
  faults: (context) => [
    ...takenNames(context, context.tables.day2),
    ...profileFaults(context),
    ...takenProfileNames(context, context.settings.profiles),
  ],
  guards,
};
