import { planFaults } from "../plan/plan.ts";
import type { Check } from "./check.ts";

export const configuration: Check = {
  id: "configuration",
  title: "the configuration against the catalog: tables, columns, owners, names that are taken",
  why: "a stage is planned only where the two fit",
  stops: [],
  find: async ({ settings, snapshot, stages }) =>
    planFaults(settings, snapshot, stages).map(({ path, fault, fix }) => ({
      severity: "blocking",
      what: { object: path, fact: fault },
      fix: fix,
    })),
};
