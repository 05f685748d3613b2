import type { Evidence } from "./evidence.ts";
import type { CheckResult } from "./verification.ts";

/** A line of what contradicts a claim, with the words that it begins with, if it shows or fixes it. */
export type ViolationLine = { readonly label: string; readonly text: string };

/**
 * Each violation, with the statement that shows it and what came back. Who asked and what fixes it is
 * mostly the same for all of a claim, and then shown once.
 */
export function violationLines({
  violations,
  unproven = [],
  evidence = [],
}: CheckResult): ViolationLine[] {
  const askers = new Set(evidence.map(({ as }) => as));
  const fixes = new Set(evidence.flatMap(({ fix }) => fix));
  const shown = (one: Evidence): ViolationLine[] => [
    ...(askers.size === 1 ? [] : [{ label: "as", text: one.as }]),
    { label: "statement", text: one.statement },
    { label: "came back", text: one.answer },
  ];
  return [
    ...violations.flatMap((violation) => [
      { label: "", text: violation },
      ...evidence.filter((one) => one.violation === violation).flatMap(shown),
    ]),
    ...unproven.map(({ what, accepted }) => ({
      label: accepted === undefined ? "not tried" : "accepted",
      text: what,
    })),
    ...(askers.size === 1 ? [...askers].map((text) => ({ label: "as", text })) : []),
    ...[...fixes].map((text) => ({ label: "fix", text })),
  ];
}

/** The same as one text. */
export function violationText(result: CheckResult): string {
  return violationLines(result)
    .map(({ label, text }) => (label === "" ? text : `  ${label.padEnd(9)}  ${text}`))
    .join("\n");
}
