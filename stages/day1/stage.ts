import { guards } from "../../rollback/day1.ts";
import type { Stage } from "../../src/steps/model/stage.ts";
import { restoreOrganizations } from "../../src/steps/table/restore-kept.ts";
import { testClients } from "../personas.ts";
import { tablesOf, takenNames } from "../tables.ts";
import { createHelpers } from "./helpers.ts";
import { fenceOrganizations, fillOrganizations, makeOrganizations } from "./memberships.ts";
import { createOrganizations, existingNames } from "./organizations.ts";

/** Day 1: the organizations, the memberships of all users, and the most critical tables. */
export const day1: Stage = {
  name: "day1",
  title: "Foundation: organizations, memberships and the critical tables",
  steps: (context) => [
    createOrganizations(context),
    createHelpers(context),
    makeOrganizations(context),
    fillOrganizations(context),
    ...(context.kept?.organizations === true ? [restoreOrganizations(context.tenancy)] : []),
    fenceOrganizations(context),
    ...tablesOf(context, context.tables.day1),
  ],
  fences: (context) => context.tables.day1,
  personas: testClients,
  criteria: () => [],
  leavesOut: () => [],
  faults: (context) => [...existingNames(context), ...takenNames(context, context.tables.day1)],
  guards,
};
