import pc from "picocolors";
import type { StageName } from "../steps/stage.ts";
import type { CheckResult } from "./events.ts";

/** What was asked of a stage and whether it holds: for people a line a claim, else one JSON value. */
export function showResults(
  stage: StageName,
  results: readonly CheckResult[],
  json: boolean,
): string {
  const failed = results.filter(({ violations }) => violations.length > 0);
  if (json) return `${JSON.stringify({ stage, holds: failed.length === 0, results })}\n`;
  const lines = results.flatMap(({ claim, violations }) =>
    violations.length === 0
      ? [`${pc.green("✔")} ${claim}`]
      : [`${pc.red("✘")} ${claim}`, ...violations.map((violation) => `    ${violation}`)],
  );
  return `${lines.join("\n")}\n${stage}: ${results.length - failed.length} of ${results.length} claims hold\n`;
}
