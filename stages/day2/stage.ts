import { guards } from "../../rollback/day2.ts";
import type { Stage } from "../../src/steps/stage.ts";
import { tablesOf, takenNames } from "../tables.ts";

/** Day 2: the tables that are left. */
export const day2: Stage = {
  name: "day2",
  title: "Completion: the remaining tables",
  steps: (context) => tablesOf(context, context.tables.day2),
  fences: (context) => context.tables.day2,
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
  faults: ({ tables }) => takenNames(tables.day2),
  guards,
};
