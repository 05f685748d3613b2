import { guards } from "../../rollback/day3.ts";
import { findRelation } from "../../src/catalog/snapshot.ts";
import type { Stage } from "../../src/steps/stage.ts";
import { contract } from "./contract.ts";
import { successCriteria } from "./criteria.ts";
import { harden, hardeningFaults, hardeningGuards, notHardened } from "./hardening.ts";
import { shareTable } from "./shared-table.ts";

/** Day 3, the database's part: everybody is tried, then the old application's crutches go. */
export const day3: Stage = {
  name: "day3",
  title: "Proof and contract: isolation tried, the default organization taken away",
  steps: (context) => [
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
  leavesOut: (context) => [
    ...notHardened(context),
    "Day 3's application part was not run with it: tenantry code rewrite gives the application's queries their organization, and tenantry code check says which have none; code that writes as the service role must name the organization from now on",
  ],
  faults: hardeningFaults,
  guards: (context) => [...guards(context), ...hardeningGuards(context)],
};
