import { readFindings } from "../audit/read-findings.ts";
import { rules } from "../audit/rules/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import type { Workspace } from "./context/workspace.ts";
import { stagesAhead } from "./stage/ahead.ts";
import { readCalls } from "./stage/functions.ts";

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
  folder,
}: Workspace): Promise<AuditResult> {
  const findings = await readFindings(session, settings, {
    snapshot: await readSnapshot(session),
    ahead: await stagesAhead(session),
    readCalls: () => readCalls(settings, folder),
  });
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
