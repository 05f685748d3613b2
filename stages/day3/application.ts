import type { Application } from "../../src/steps/model/application.ts";
import type { ApplicationStep } from "../../src/steps/model/step.ts";

/**
 * Changes the application's queries so that they name the organization. It is the first step: where a gate
 * fails, nothing in the database is changed.
 */
export function rewriteApplication({ changes, gates }: Application): ApplicationStep {
  return {
    id: "day3/application",
    title: "rewrite the application's queries",
    mode: "application",
    lock: { level: "none" },
    changes,
    gates,
    down: { kind: "changes reversed" },
  };
}
