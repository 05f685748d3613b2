import type { Command } from "commander";
import { z } from "zod";
import type { Finding } from "../../events/finding.ts";
import { counted } from "../../number-formats.ts";
import { auditDatabase, describeRun, readDrift } from "../../operations/audit.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { atLeast } from "../../report/level.ts";
import { countIds, showFindings } from "../../report/terminal/findings.ts";
import { stageNames } from "../../steps/model/stage.ts";
import { add } from "../command.ts";
import { type GlobalOptions, globalOptions, levelOf, notBoth, readOptions } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";
import { selfTestCommand } from "./self-test.ts";

export type AuditOptions = GlobalOptions & {
  /** Compares the schema with what the last stage left, instead. */
  readonly drift: boolean;
};

/** `tenantry audit`: audits the catalog for leaks. */
export function auditCommand(options: AuditOptions): Promise<void> {
  return inWorkspace(options, (workspace, output) =>
    options.drift ? showDrift(workspace, output) : showAudit(workspace, output, options),
  );
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
  const { differences } = drift;
  const lines = differences.map((difference) => `  ${difference}\n`).join("");
  await output.show(
    { kind: "drift", stage: drift.run.stage, differences },
    () => `since ${describeRun(drift.run)}, ${differences.length} objects changed\n${lines}`,
  );
  if (drift.failure !== undefined) throw drift.failure;
}

/** What no stage ends by itself; what stages end in numbers, or in full too. */
function showFindingsAndSum(asked: number, findings: readonly Finding[], inFull: boolean): string {
  const accepted = findings.filter((finding) => finding.accepted !== undefined).length;
  const ended = stageNames.flatMap((stage) => {
    const due = findings.filter((one) => one.due?.stage === stage);
    return due.length === 0
      ? []
      : [`${stage} ends ${counted(due.length, "finding")}: ${countIds(due)}\n`];
  });
  const left = inFull ? findings : findings.filter(({ due }) => due === undefined);
  return `${showFindings(left)}${ended.join("")}${asked} rules asked: ${findings.length} findings, ${accepted} of them accepted\n`;
}

const auditOptions = globalOptions
  .extend({
    drift: z.boolean().default(false),
    selfTest: z.boolean().default(false),
    scratch: z.string().optional(),
  })
  .refine(...notBoth("drift", "selfTest"));

export function addAudit(root: Command): void {
  add(root, "audit")
    .option("--drift", "what changed in the schema since the last stage was applied, instead")
    .option(
      "--self-test",
      "break the fences of small test databases in every known way, and show what notices",
    )
    .option("--scratch <url>", "a server for --self-test, instead of one that is started here")
    .action(async (_options, command: Command) => {
      const options = readOptions(auditOptions, command.optsWithGlobals());
      return options.selfTest ? selfTestCommand(options) : auditCommand(options);
    });
}
