import { planFaults } from "../plan/plan.ts";
import type { PreflightCheck } from "./check.ts";

export const configuration: PreflightCheck = {
  id: "configuration",
  title: "the configuration against the catalog: tables, columns, owners, names that already exist",
  why: "a stage can be planned only if the configuration matches the database",
  stops: [],
  find: async ({ settings, snapshot, stages }) =>
    planFaults(settings, snapshot, stages).map(({ path, fault, fix }) => ({
      severity: "blocking",
      what: { object: path, fact: fault },
      fix,
    })),
};
