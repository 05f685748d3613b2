import { audit, judge } from "../audit/audit.ts";
import { auditContext } from "../audit/context.ts";
import { rules } from "../audit/rules/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import type { Workspace } from "./context/workspace.ts";

export type AuditResult = {
  /** How many rules were asked. */
  readonly asked: number;
  readonly findings: readonly Finding[];
  /** Why the audit fails; undefined where every finding is accepted. */
  readonly failure: AppError | undefined;
};

/** Asks the catalog for every leak that the audit's rules know. Nothing is changed. */
export async function auditDatabase(workspace: Workspace): Promise<AuditResult> {
  const { session, settings, configFile } = workspace;
  const context = auditContext(settings, await readSnapshot(session));
  const found = await session.transaction(
    (queries) => audit(queries, context, rules),
    "read only snapshot",
  );
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
