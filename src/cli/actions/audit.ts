import { countById, type Finding, listCounts } from "../../events/finding.ts";
import { counted } from "../../number-formats.ts";
import { auditDatabase } from "../../operations/audit.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { acceptDrift, type DriftResult, describeSince, readDrift } from "../../operations/drift.ts";
import { atLeast } from "../../report/level.ts";
import { showFindings } from "../../report/terminal/findings.ts";
import { stageNames } from "../../steps/model/stage.ts";
import { type GlobalOptions, levelOf } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

export type AuditOptions = GlobalOptions & {
  /** Compares with what the last stage left, instead. */
  readonly drift: boolean;
  /** The reason why its changes are accepted. */
  readonly accept?: string | undefined;
};

/** `tenantry audit`: audits the catalog for leaks. */
export function auditCommand(options: AuditOptions): Promise<void> {
  const { drift, accept } = options;
  return inWorkspace(options, async (workspace, output) => {
    if (accept !== undefined) await takeState(workspace, output, accept);
    else if (drift) await showDrift(workspace, output);
    else await showAudit(workspace, output, options);
  });
}

async function showAudit(
  workspace: Workspace,
  output: Output,
  options: GlobalOptions,
): Promise<void> {
  const { asked, findings, failure } = await auditDatabase(workspace);
  const inFull = atLeast(levelOf(options), "verbose");
  await output.show({ kind: "audit", findings }, () => showFindingsAndSum(asked, findings, inFull));
  if (failure !== undefined) throw failure;
}

async function showDrift(workspace: Workspace, output: Output): Promise<void> {
  const drift = await readDrift(workspace);
  const { run, since, findings, unproven, rest } = drift;
  const taken =
    since === undefined
      ? null
      : { takenBy: since.takenBy, takenAt: since.takenAt.toISOString(), reason: since.reason };
  await output.show(
    { kind: "drift", stage: run.stage, since: taken, findings, unproven, differences: rest },
    () => showDriftInWords(drift),
  );
  if (drift.failure !== undefined) throw drift.failure;
}

function showDriftInWords(drift: DriftResult): string {
  const { findings, unproven, rest } = drift;
  const lines = (of: readonly string[]) => of.map((line) => `  ${line}\n`).join("");
  return [
    showFindings(findings),
    ...unproven.map((line) => `? ${line}\n`),
    `since ${describeSince(drift)}: ${findings.length} changes of what the fence stands on\n`,
    rest.length === 0 ? "" : `${rest.length} ${restIn(drift)}:\n${lines(rest)}`,
  ].join("");
}

/** Without a state, what the fence stands on is among the changes of the schema. */
function restIn({ since }: DriftResult): string {
  return since === undefined
    ? "changes of the schema, some maybe of what the fence stands on"
    : "changes of the rest of the schema, which are no fault of the fence";
}

async function takeState(workspace: Workspace, output: Output, reason: string): Promise<void> {
  const { run, findings } = await acceptDrift(workspace, reason);
  await output.show(
    { kind: "drift-accepted", stage: run.stage, reason, findings },
    () =>
      `${showFindings(findings)}${findings.length} changes accepted: ${reason}. The state as it is now is in the journal; tenantry audit --drift compares with it\n`,
  );
}

/** What no stage ends by itself; what stages end in numbers, or in full too. */
function showFindingsAndSum(asked: number, findings: readonly Finding[], inFull: boolean): string {
  const accepted = findings.filter((finding) => finding.accepted !== undefined).length;
  const ended = stageNames.flatMap((stage) => {
    const due = findings.filter((one) => one.due?.stage === stage);
    return due.length === 0
      ? []
      : [`${stage} ends ${counted(due.length, "finding")}: ${listCounts(countById(due))}\n`];
  });
  const left = inFull ? findings : findings.filter(({ due }) => due === undefined);
  return `${showFindings(left)}${ended.join("")}${asked} rules asked: ${findings.length} findings, ${accepted} of them accepted\n`;
}
