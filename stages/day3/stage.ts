import { guards } from "../../rollback/day3.ts";
import { findRelation } from "../../src/catalog/snapshot.ts";
import type { Stage, StageContext } from "../../src/steps/model/stage.ts";
import { rewriteApplication } from "./application.ts";
import { contract } from "./contract.ts";
import { successCriteria } from "./criteria.ts";
import { harden, hardeningFaults, hardeningGuards, notHardened } from "./hardening/index.ts";
import { shareTable } from "./shared-table.ts";

/** Day 3: the application names the organization, isolation is proven, the default organization is removed. */
export const day3: Stage = {
  name: "day3",
  title: "Proof and contract: isolation proven, the default organization removed",
  steps: (context) => [
    ...(context.application === undefined ? [] : [rewriteApplication(context.application)]),
    ...context.settings.shared
      .filter(({ relation }) => findRelation(context.snapshot, relation) !== undefined)
      .map((table) => shareTable(context, table)),
    ...harden(context),
    contract(context),
  ],
  fences: ({ tables }) => [...tables.day1, ...tables.day2],
  personas: [
    {
      name: "User A (Alpha Corp, owner)",
      memberships: [{ organization: "alpha-corp", role: "owner" }],
    },
    {
      name: "User B (Beta Inc, admin)",
      memberships: [{ organization: "beta-inc", role: "admin" }],
    },
    {
      name: "User C (Gamma LLC, member)",
      memberships: [{ organization: "gamma-llc", role: "member" }],
    },
    { name: "user of no organization", memberships: [] },
    {
      name: "user of Alpha Corp and Beta Inc",
      memberships: [
        { organization: "alpha-corp", role: "member" },
        { organization: "beta-inc", role: "member" },
      ],
    },
  ],
  criteria: successCriteria,
  leavesOut: (context) => [...notHardened(context), leftOfTheApplication(context)],
  faults: hardeningFaults,
  guards: (context) => [...guards(context), ...hardeningGuards(context)],
};

function leftOfTheApplication({ application }: StageContext): string {
  const since = "code that writes as the service role must write the organization from now on";
  if (application === undefined) {
    return `Day 3's application part is not run: tenantry code rewrite adds the organization to the application's queries, and tenantry code check lists those without it; ${since}`;
  }
  return application.changes.length === 0
    ? `the application in the folder must be the one that is deployed: ${since}`
    : `the application's changed files are not committed and not deployed: ${since}`;
}
