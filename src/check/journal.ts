import { readRuns } from "../journal/journal.ts";
import type { Check, Found } from "./check.ts";

export const journal: Check = {
  id: "journal",
  title: "the journal: of this version, and no run under way",
  why: "a run that was begun goes on with the plan that it was begun with, whatever the configuration says now",
  stops: [],
  async find({ queries }) {
    const runs = await readRuns(queries);
    return runs.flatMap(({ stage, state, startedBy, startedAt }): Found[] => {
      if (state !== "running" && state !== "rolling back") return [];
      return [
        {
          severity: "advisory",
          what: {
            object: stage,
            fact: `is ${state} since ${startedAt.toISOString()}, by ${startedBy}`,
          },
          fix:
            state === "running"
              ? `tenantry run --stage ${stage} goes on, tenantry rollback --stage ${stage} undoes it`
              : `tenantry rollback --stage ${stage} goes on`,
        },
      ];
    });
  },
};
