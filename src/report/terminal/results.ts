import {
  byReason,
  type CheckResult,
  type ClaimState,
  type StageVerification,
  standingOf,
  stateOf,
} from "../../events/verification.ts";
import { violationLines } from "../../events/violation-lines.ts";
import { counted } from "../../number-formats.ts";
import type { RunName } from "../../steps/model/stage.ts";
import { atLeast, type Level } from "../level.ts";
import { showFaults, showRest } from "./causes.ts";
import { type Colors, colorsFor } from "./colors.ts";
import { showMatrix } from "./matrix.ts";
import { said } from "./wrap.ts";

/**
 * What was asked of a stage, for people. `quiet`: what is not green, and the sum. `normal`: each part in
 * numbers or as a matrix, too. `verbose`: a line a claim, with the statements that show what is wrong.
 */
export function showVerification(
  stage: RunName,
  verification: StageVerification,
  level: Level,
): string {
  const { checks, isolation, criteria } = verification;
  const asClaims = atLeast(level, "verbose");
  const part = asClaims ? section : inNumbers;
  const parts = [
    part("What its steps made", checks),
    asClaims ? section("Isolation, tried", isolation) : matrix("Isolation, tried", isolation),
    part("The plan's success criteria", criteria),
  ];
  return [
    ...(level === "quiet" ? [] : parts),
    showFaults(verification),
    ...(level === "quiet" ? [] : [showRest(verification)]),
    summary(stage, verification),
  ].join("");
}

/** The plan's success criteria, and how many claims hold of all: at the end of a run. */
export function showCriteria(stage: RunName, verification: StageVerification): string {
  const criteria = section("The plan's success criteria", verification.criteria);
  return `${criteria}${summary(stage, verification)}`;
}

/** How many claims hold of how many, and what is open besides. */
export function countHeld(verification: StageVerification): string {
  const { claims, hold, fail, notProven, open, due, accepted } = standingOf(verification);
  const parts = [
    `${hold} of ${claims} claims hold`,
    ...(fail === 0 ? [] : [`${fail} do not`]),
    ...(notProven === 0 ? [] : [`${notProven} not proven`]),
    ...(open.length === 0 ? [] : [`${counted(open.length, "finding")} open`]),
    ...(due.length === 0 ? [] : [`${counted(due.length, "finding")} for later stages`]),
    ...(accepted === 0 ? [] : [`${accepted} accepted`]),
  ];
  return parts.join(", ");
}

function summary(stage: RunName, verification: StageVerification): string {
  return `${stage}: ${countHeld(verification)}\n`;
}

function inNumbers(heading: string, results: readonly CheckResult[]): string {
  if (results.length === 0) return "";
  const colors = colorsFor(process.stdout);
  const states = results.map(stateOf);
  const held = states.filter((state) => state === "holds").length;
  const worst = (["fails", "not proven"] as const).find((state) => states.includes(state));
  const count =
    held === results.length
      ? `${counted(held, "claim")} ${held === 1 ? "holds" : "hold"}`
      : `${held} of ${results.length} claims hold`;
  return `${mark(worst ?? "holds", colors)} ${heading}: ${count}\n`;
}

/** At a terminal as a matrix; in a pipe in numbers. */
function matrix(heading: string, results: readonly CheckResult[]): string {
  const { columns } = process.stdout;
  const drawn = columns === undefined ? "" : showMatrix(results, columns);
  if (drawn === "") return inNumbers(heading, results);
  return `${colorsFor(process.stdout).bold(heading)}\n${drawn}${inNumbers(heading, results)}`;
}

function section(heading: string, results: readonly CheckResult[]): string {
  if (results.length === 0) return "";
  const colors = colorsFor(process.stdout);
  const lines = byReason(results).flatMap(({ claims, result }) => [
    ...claims.map((claim) => `  ${mark(stateOf(result), colors)} ${said(claim, "    ")}`),
    ...violationLines(result).map(({ label, text }) =>
      label === ""
        ? `      ${said(text, "      ")}`
        : `        ${colors.dim(label.padEnd(9))}  ${said(text, " ".repeat(19))}`,
    ),
  ]);
  return `${colors.bold(heading)}\n${lines.join("\n")}\n`;
}

function mark(state: ClaimState, colors: Colors): string {
  switch (state) {
    case "holds":
      return colors.green("✔");
    case "fails":
      return colors.red("✘");
    case "not proven":
      return colors.yellow("?");
    default:
      return state satisfies never;
  }
}
