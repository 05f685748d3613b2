import { audit, type JudgedFinding, judge } from "../audit/audit.ts";
import { auditContext } from "../audit/context.ts";
import { rules } from "../audit/rules/index.ts";
import { compareFingerprints, describeDifference } from "../catalog/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import { readFingerprintAfter, readRuns } from "../journal/journal.ts";
import { colorsFor } from "../report/colors.ts";
import { wrapped } from "../report/wrap.ts";
import { sayNotCompared } from "./not-compared.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

export type AuditOptions = GlobalOptions & {
  /** Compares the schema with what the last stage left, instead. */
  readonly drift: boolean;
};

/** `tenantry audit`: asks the catalog for every way out for tenants' data that it shows. */
export function auditCommand(options: AuditOptions): Promise<void> {
  return withWorkplace(options, (workplace) => auditIn(workplace, options));
}

/** The same in a workplace that is open already. */
export async function auditIn(workplace: Workplace, options: AuditOptions): Promise<void> {
  if (options.drift) return showDrift(workplace);
  const { session, settings } = workplace;
  const context = auditContext(settings, await readSnapshot(session));
  const found = await session.transaction(
    (queries) => audit(queries, context, rules),
    "read only snapshot",
  );
  const today = new Date().toISOString().slice(0, 10);
  const findings = judge(found, settings.audit.accepted, today);
  await workplace.output.show({ kind: "audit", findings }, () => showFindings(findings));
  const open = findings.filter(({ accepted }) => accepted === undefined);
  if (open.length === 0) return;
  throw new AppError({
    code: "AUDIT_FAILED",
    object: workplace.configFile,
    fault: `${open.length} of ${findings.length} findings are not accepted`,
    state: "nothing was changed",
    next: "mend them, or accept them in the configuration's audit.accepted, with a reason and a day",
  });
}

/**
 * What changed since the last stage was applied: policies, grants, owners, tables, and all else that
 * the fingerprint holds.
 */
async function showDrift({ session, output }: Workplace): Promise<void> {
  const run = (await readRuns(session)).findLast(({ state }) => state === "applied");
  const before = run === undefined ? undefined : await readFingerprintAfter(session, run.id);
  if (run === undefined || before === undefined) {
    throw new AppError({
      code: "AUDIT_IMPOSSIBLE",
      object: "drift",
      fault: "no stage is applied that it could be measured from",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  const { fingerprint } = await readSnapshot(session);
  await sayNotCompared(session, output.emit);
  const differences = compareFingerprints(before, fingerprint).map(describeDifference);
  const since = `${run.stage} was applied at ${run.finishedAt?.toISOString() ?? "an unknown time"}`;
  const lines = differences.map((difference) => `  ${difference}\n`).join("");
  await output.show(
    { kind: "drift", stage: run.stage, differences },
    () => `since ${since}, ${differences.length} objects changed\n${lines}`,
  );
  if (differences.length === 0) return;
  throw new AppError({
    code: "AUDIT_FAILED",
    object: "the schema",
    fault: `changed in ${differences.length} objects since ${since}`,
    state: "nothing was changed",
    next: "look at each: tenantry audit says what is open now",
  });
}

/** By rule, the worst first: why it leaks once, then each object with what mends it. */
function showFindings(findings: readonly JudgedFinding[]): string {
  const parts = rules.flatMap((rule) => {
    const own = findings.filter((finding) => finding.rule === rule.id);
    return own.length === 0 ? [] : [{ rule, own }];
  });
  const pc = colorsFor(process.stdout);
  parts.sort((one, other) => findings.indexOf(first(one.own)) - findings.indexOf(first(other.own)));
  const shown = parts.map(({ rule, own }) => {
    const lines = own.map(({ object, fact, mend, accepted }) => {
      const meant =
        accepted === undefined
          ? ""
          : pc.dim(`  accepted until ${accepted.until}: ${accepted.reason}`);
      return `  ${pc.bold(object)}: ${fact}${meant}\n      ${pc.dim(mend)}`;
    });
    return `${pc.bold(rule.severity)}  ${rule.title}  ${pc.dim(rule.id)}\n${wrapped(rule.why, process.stdout.columns ?? Number.POSITIVE_INFINITY, "  ")}\n${lines.join("\n")}\n`;
  });
  const open = findings.filter(({ accepted }) => accepted === undefined).length;
  const sum = `${rules.length} rules asked: ${findings.length} findings, ${findings.length - open} of them accepted\n`;
  return [...shown, sum].join("\n");
}

function first(findings: readonly JudgedFinding[]): JudgedFinding {
  const [one] = findings;
  if (one === undefined) throw new Error("a rule without findings is not shown");
  return one;
}
