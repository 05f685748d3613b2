import { z } from "zod";
import { evidenceSchema } from "./evidence.ts";
import { acceptanceSchema, type Finding, findingSchema } from "./finding.ts";

/** What a persona tries on a table. */
export const triedCommands = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"] as const;
export type TriedCommand = (typeof triedCommands)[number];

export const triedOutcome = z.enum(["held", "open", "untried"]);
export type TriedOutcome = z.output<typeof triedOutcome>;

const trialSchema = z
  .object({
    table: z.string(),
    persona: z.string(),
    commands: z.record(z.enum(triedCommands), triedOutcome).readonly(),
  })
  .readonly();

export type TriedTrial = z.output<typeof trialSchema>;

/** Something that could not be tried: it proves nothing, for or against the claim. */
const unprovenSchema = z
  .object({
    /** A sentence that begins with the object's name: `public.leads was not written to: …`. */
    what: z.string(),
    accepted: acceptanceSchema.exactOptional(),
  })
  .readonly();

export type Unproven = z.output<typeof unprovenSchema>;

const checkResultSchema = z
  .object({
    claim: z.string(),
    /** The rows that contradict the claim; none where it holds. */
    violations: z.array(z.string()).readonly(),
    /** What could not be tried of it. */
    unproven: z.array(unprovenSchema).readonly().exactOptional(),
    evidence: z.array(evidenceSchema).readonly().exactOptional(),
    /** Of a table that a persona tried. */
    trial: trialSchema.exactOptional(),
  })
  .readonly();

export type CheckResult = z.output<typeof checkResultSchema>;

const results = z.array(checkResultSchema).readonly();

/**
 * What was asked of a stage: of its steps' work, of its isolation, and of the plan's criteria; and what
 * the catalog shows to be open, or changed since the stage.
 */
export const verificationShape = {
  checks: results,
  isolation: results,
  criteria: results,
  findings: z.array(findingSchema).readonly(),
};

export const verificationSchema = z.object(verificationShape).readonly();

export type StageVerification = z.output<typeof verificationSchema>;

/** All claims of a verification in one list. */
export function allResults(
  verification: Pick<StageVerification, "checks" | "isolation" | "criteria">,
): readonly CheckResult[] {
  return [...verification.checks, ...verification.isolation, ...verification.criteria];
}

/** Whether a claim holds (✔), does not (✘), or could not be tried in full (?). */
export type ClaimState = "holds" | "fails" | "not proven";

export function stateOf({ violations, unproven = [] }: CheckResult): ClaimState {
  if (violations.length > 0) return "fails";
  return unproven.every(({ accepted }) => accepted !== undefined) ? "holds" : "not proven";
}

/** A verification in numbers, and what is open in it. */
export type Standing = {
  readonly claims: number;
  readonly hold: number;
  readonly fail: number;
  readonly notProven: number;
  /** Findings that nobody accepted. */
  readonly open: readonly Finding[];
  /** Findings that a later stage ends, or asks about. */
  readonly due: readonly Finding[];
  /** Findings and untried attempts that the configuration accepts by name. */
  readonly accepted: number;
};

export function standingOf(verification: StageVerification): Standing {
  const results = allResults(verification);
  const states = results.map(stateOf);
  const count = (state: ClaimState) => states.filter((one) => one === state).length;
  const { findings } = verification;
  const left = findings.filter(({ accepted }) => accepted === undefined);
  const untried = results.flatMap(({ unproven = [] }) => unproven);
  return {
    claims: results.length,
    hold: count("holds"),
    fail: count("fails"),
    notProven: count("not proven"),
    open: left.filter(({ due }) => due === undefined),
    due: left.filter(({ due }) => due !== undefined),
    accepted:
      findings.length -
      left.length +
      new Set(untried.flatMap(({ what, accepted }) => (accepted === undefined ? [] : [what]))).size,
  };
}

/** Whether all was tried, all claims hold, and nothing is open that nobody accepted. */
export function isGreen(verification: StageVerification): boolean {
  const { fail, notProven, open } = standingOf(verification);
  return fail + notProven + open.length === 0;
}

/** Claims that are contradicted, or left unproven, for one reason, which is then shown once. */
export type SameReason = { readonly claims: readonly string[]; readonly result: CheckResult };

/** Results in their order; those with the very same reason stand together, at the first of them. */
export function byReason(results: readonly CheckResult[]): readonly SameReason[] {
  const groups = new Map<string, CheckResult[]>();
  for (const [index, result] of results.entries()) {
    const { violations, unproven = [], evidence } = result;
    // What is shown by a statement is each table's own.
    const isShared = violations.length + unproven.length > 0 && evidence === undefined;
    const key = isShared ? JSON.stringify([violations, unproven]) : String(index);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].flatMap(([result, ...others]) =>
    result === undefined ? [] : [{ claims: [result, ...others].map(({ claim }) => claim), result }],
  );
}
