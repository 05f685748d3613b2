import type { Finding } from "../../events/finding.ts";
import { type CheckReport, checkDatabase } from "../../operations/check.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { showAround, showFindings } from "../../report/terminal/findings.ts";
import { wrapped } from "../../report/terminal/wrap.ts";
import type { StageName } from "../../steps/model/stage.ts";
import type { GlobalOptions } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

export type CheckOptions = GlobalOptions & { readonly stage?: StageName | undefined };

/**
 * `tenantry check`: checks for problems before anything is changed.
 * @throws AppError PREFLIGHT_FAILED where something blocks the stages
 */
export function check(options: CheckOptions): Promise<void> {
  return inWorkspace(options, (workspace, output) => checkAndShow(workspace, output, options));
}

/** The same in a workspace that is open already. */
export async function checkAndShow(
  workspace: Workspace,
  output: Output,
  options: Pick<CheckOptions, "stage">,
): Promise<void> {
  const { failure, ...shown } = await checkDatabase(workspace, options);
  await output.show({ kind: "check", ...shown }, () =>
    showChecks(shown, process.stdout.columns ?? 80),
  );
  if (failure !== undefined) throw failure;
}

function showChecks(
  { database, findings, around, asked }: Omit<CheckReport, "failure">,
  columns: number,
) {
  const { blocking, advisory } = countSeverities(findings);
  const summary = `${asked} checks of ${database}: ${blocking} blocking, ${advisory} advisory; nothing was changed`;
  return `${showFindings(findings, columns)}${showAround(around, columns)}${wrapped(summary, columns, "")}\n`;
}

function countSeverities(findings: readonly Finding[]) {
  const blocking = findings.filter(({ severity }) => severity === "blocking").length;
  return { blocking, advisory: findings.length - blocking };
}

/** What the checks find, in a line. */
export async function summarizeChecks(workspace: Workspace): Promise<string> {
  const { findings } = await checkDatabase(workspace);
  if (findings.length === 0) return "checks: no problem found";
  const { blocking, advisory } = countSeverities(findings);
  const names = [...new Set(findings.map(({ id }) => id))].join(", ");
  return `checks: ${blocking} blocking, ${advisory} advisory (${names}). Fixes: tenantry check`;
}
