import { guards } from "../../rollback/day1.ts";
import type { Stage } from "../../src/steps/stage.ts";
import { tablesOf, takenNames } from "../tables.ts";
import { createHelpers } from "./helpers.ts";
import { fenceOrganizations, fillOrganizations } from "./memberships.ts";
import { createOrganizations, existingTables } from "./organizations.ts";

/** Day 1: the organizations, everybody's membership, and the most critical tables. */
export const day1: Stage = {
  name: "day1",
  title: "Foundation: organizations, memberships and the critical tables",
  steps: (context) => [
    createOrganizations(context),
    createHelpers(context),
    fillOrganizations(context),
    fenceOrganizations(context),
    ...tablesOf(context, context.tables.day1),
  ],
  fences: (context) => context.tables.day1,
  personas: [
    {
      name: "member of Test Client A",
      memberships: [{ organization: "test-client-a", role: "member" }],
    },
    {
      name: "member of Test Client B",
      memberships: [{ organization: "test-client-b", role: "member" }],
    },
  ],
  criteria: () => [],
  leavesOut: [],
  faults: (context) => [...existingTables(context), ...takenNames(context.tables.day1)],
  guards,
};
