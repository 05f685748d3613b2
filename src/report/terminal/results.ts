import {
  allResults,
  byReason,
  type CheckResult,
  type StageVerification,
} from "../../events/events.ts";
import { violationLines } from "../../events/evidence.ts";
import type { StageName } from "../../steps/model/stage.ts";
import { colorsFor } from "./colors.ts";
import { showMatrix } from "./matrix.ts";
import { wrapped } from "./wrap.ts";

/** What was asked of a stage and whether it holds, for people: a line a claim. */
export function showVerification(stage: StageName, verification: StageVerification): string {
  return [
    section("What its steps made", verification.checks),
    isolation(verification.isolation),
    section("The plan's success criteria", verification.criteria),
    summary(stage, verification),
  ].join("");
}

/** The plan's success criteria, and how many claims hold of all. */
export function showCriteria(stage: StageName, verification: StageVerification): string {
  const criteria = section("The plan's success criteria", verification.criteria);
  return `${criteria}${summary(stage, verification)}`;
}

/** Whether all that was asked holds. */
export function holds(verification: StageVerification): boolean {
  return allResults(verification).every(({ violations }) => violations.length === 0);
}

/** How many claims hold, of how many. */
export function countHeld(verification: StageVerification): string {
  const results = allResults(verification);
  const held = results.filter(({ violations }) => violations.length === 0).length;
  return `${held} of ${results.length} claims hold`;
}

/** At a terminal as a matrix, with the claims that it has no place for; in a pipe a line a claim. */
function isolation(results: readonly CheckResult[]): string {
  const heading = "Isolation, tried";
  const { columns } = process.stdout;
  if (columns === undefined || results.length === 0) return section(heading, results);
  const others = results.filter(
    ({ trial, violations }) => trial === undefined || violations.length > 0,
  );
  const matrix = showMatrix(results, columns);
  if (matrix === "") return section(heading, results);
  return `${colorsFor(process.stdout).bold(heading)}\n${matrix}${section("Beyond single tables", others)}`;
}

function summary(stage: StageName, verification: StageVerification): string {
  return `${stage}: ${countHeld(verification)}\n`;
}

function section(heading: string, results: readonly CheckResult[]): string {
  if (results.length === 0) return "";
  const colors = colorsFor(process.stdout);
  // A pipe has no columns: one line each, however long.
  const { columns } = process.stdout;
  const words = (text: string, margin: string) =>
    columns === undefined ? text : wrapped(text, columns, margin).trimStart();
  const lines = byReason(results).flatMap(({ claims, result }) => [
    ...claims.map(
      (claim) =>
        `  ${result.violations.length === 0 ? colors.green("✔") : colors.red("✘")} ${words(claim, "    ")}`,
    ),
    ...violationLines(result).map(({ label, text }) =>
      label === ""
        ? `      ${words(text, "      ")}`
        : `        ${colors.dim(label.padEnd(9))}  ${words(text, " ".repeat(19))}`,
    ),
  ]);
  return `${colors.bold(heading)}\n${lines.join("\n")}\n`;
}
