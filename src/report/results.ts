import pc from "picocolors";
import type { StageName } from "../steps/stage.ts";
import { allResults, type CheckResult, type StageVerification } from "./events.ts";

/** What was asked of a stage and whether it holds: for people a line a claim, else one JSON value. */
export function showVerification(
  stage: StageName,
  verification: StageVerification,
  json: boolean,
): string {
  const results = allResults(verification);
  const held = results.filter(({ violations }) => violations.length === 0).length;
  if (json) {
    return `${JSON.stringify({ stage, holds: held === results.length, ...verification })}\n`;
  }
  return [
    section("What its steps made", verification.checks),
    section("Isolation, tried", verification.isolation),
    section("The plan's success criteria", verification.criteria),
    `${stage}: ${held} of ${results.length} claims hold\n`,
  ].join("");
}

/** Claims under a heading, one a line, each with what contradicts it. */
export function section(heading: string, results: readonly CheckResult[]): string {
  if (results.length === 0) return "";
  const lines = results.flatMap(({ claim, violations }) =>
    violations.length === 0
      ? [`  ${pc.green("✔")} ${claim}`]
      : [`  ${pc.red("✘")} ${claim}`, ...violations.map((violation) => `      ${violation}`)],
  );
  return `${pc.bold(heading)}\n${lines.join("\n")}\n`;
}
