import { readFindings } from "../audit/read-findings.ts";
import { rules } from "../audit/rules/index.ts";
import { compareFingerprints, describeDifference } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import { type Run, readFingerprintAfter, readRuns } from "../journal/journal.ts";
import type { Workspace } from "./context/workspace.ts";
import { stagesAhead } from "./stage/ahead.ts";
import { emitNotCompared } from "./stage/not-compared.ts";

export type AuditResult = {
  /** How many rules were asked. */
  readonly asked: number;
  readonly findings: readonly Finding[];
  /** Why the audit fails; undefined where every finding is accepted. */
  readonly failure: AppError | undefined;
};

/**
 * Asks the catalog for every leak that the audit's rules know, and which of them stages will end that are
 * not applied yet. Nothing is changed.
 */
export async function auditDatabase({
  session,
  settings,
  configFile,
}: Workspace): Promise<AuditResult> {
  const findings = await readFindings(session, settings, await stagesAhead(session));
  const open = findings.filter(({ accepted }) => accepted === undefined);
  if (open.length === 0) return { asked: rules.length, findings, failure: undefined };
  const failure = new AppError({
    code: "AUDIT_FAILED",
    object: configFile,
    fault: `${open.length} of ${findings.length} findings are not accepted`,
    state: "nothing was changed",
    next: "fix them, or accept them in the configuration's audit.accepted, with a reason and a day",
  });
  return { asked: rules.length, findings, failure };
}

export type DriftResult = {
  /** The last stage that was applied: the schema is compared with what it left. */
  readonly run: Run;
  /** Objects that changed, a line each. */
  readonly differences: readonly string[];
  /** Undefined where nothing changed. */
  readonly failure: AppError | undefined;
};

/**
 * What changed in the schema since the last stage was applied: policies, grants, owners, tables, and
 * everything else that the fingerprint holds.
 * @throws AppError AUDIT_IMPOSSIBLE where no stage is applied
 */
export async function readDrift({ session, caller }: Workspace): Promise<DriftResult> {
  const run = (await readRuns(session)).findLast(({ state }) => state === "applied");
  const before = run === undefined ? undefined : await readFingerprintAfter(session, run.id);
  if (run === undefined || before === undefined) {
    throw new AppError({
      code: "AUDIT_IMPOSSIBLE",
      object: "drift",
      fault: "no stage is applied to compare with",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  const { fingerprint } = await readSnapshot(session);
  await emitNotCompared(session, caller.emit);
  const differences = compareFingerprints(before, fingerprint).map(describeDifference);
  if (differences.length === 0) return { run, differences, failure: undefined };
  const failure = new AppError({
    code: "AUDIT_FAILED",
    object: "the schema",
    fault: `changed in ${differences.length} objects since ${describeRun(run)}`,
    state: "nothing was changed",
    next: "look at each: tenantry audit shows what is open now",
  });
  return { run, differences, failure };
}

/** When a run was applied, in words. */
export function describeRun({ stage, finishedAt }: Run): string {
  return `${stage} was applied at ${finishedAt?.toISOString() ?? "an unknown time"}`;
}
