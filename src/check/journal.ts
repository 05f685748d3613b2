import { readRuns } from "../journal/journal.ts";
import type { Found, PreflightCheck } from "./check.ts";

export const journal: PreflightCheck = {
  id: "journal",
  title: "the journal: its version, and runs that have not ended",
  why: "a run is resumed with the plan that it was started with, even if the configuration has changed since",
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
            fact: `has been ${state} since ${startedAt.toISOString()}, started by ${startedBy}`,
          },
          fix:
            state === "running"
              ? `tenantry run --stage ${stage} resumes it, tenantry rollback --stage ${stage} rolls it back`
              : `tenantry rollback --stage ${stage} resumes it`,
        },
      ];
    });
  },
};
