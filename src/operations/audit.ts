import { audit, judge } from "../audit/audit.ts";
import { auditContext } from "../audit/context.ts";
import type { AuditContext, Rule } from "../audit/rule.ts";
import { definerFunction } from "../audit/rules/functions/definer-function.ts";
import { rules } from "../audit/rules/index.ts";
import { compareFingerprints, describeDifference } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import { type Run, readFingerprintAfter, readRuns } from "../journal/journal.ts";
import type { Workspace } from "./context/workspace.ts";
import { readCalls } from "./stage/functions.ts";
import { emitNotCompared } from "./stage/not-compared.ts";

export type AuditResult = {
  /** How many rules were asked. */
  readonly asked: number;
  readonly findings: readonly Finding[];
  /** Why the audit fails; undefined where every finding is accepted. */
  readonly failure: AppError | undefined;
};

/** Asks the catalog for every leak that the audit's rules know. Nothing is changed. */
export async function auditDatabase(workspace: Workspace): Promise<AuditResult> {
  const { session, settings, configFile, folder } = workspace;
  const context = auditContext(settings, await readSnapshot(session));
  const ask = (asked: readonly Rule[], calls?: AuditContext["calls"]) =>
    session.transaction(
      (queries) => audit(queries, { ...context, calls }, asked),
      "read only snapshot",
    );
  const first = await ask(rules);
  const { id } = definerFunction;
  // The application's code takes a second to read, and only proposals for functions need it.
  const found = first.some((finding) => finding.id === id)
    ? [
        ...(await ask([definerFunction], await readCalls(settings, folder))),
        ...first.filter((finding) => finding.id !== id),
      ]
    : first;
  const today = new Date().toISOString().slice(0, 10);
  const findings = judge(found, settings.audit.accepted, today);
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
