import type { Application } from "../../src/steps/model/application.ts";
import type { ApplicationStep } from "../../src/steps/model/step.ts";

/**
 * The application names its organizations. It comes first: where its gates say that it does not work
 * any more, nothing of the database is touched.
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
