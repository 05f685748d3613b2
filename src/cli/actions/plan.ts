import { formatBytes } from "../../number-formats.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { planNewTables } from "../../operations/fence-tables.ts";
import { planScript, planStages } from "../../operations/plan-stages.ts";
import type { ReadApplication } from "../../operations/stage/application.ts";
import type { Plan } from "../../plan/plan.ts";
import type { StepLine } from "../../plan/summary.ts";
import { formatTable } from "../../report/terminal/table.ts";
import type { RunName, StageName } from "../../steps/model/stage.ts";
import type { GlobalOptions } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

export type PlanOptions = GlobalOptions & {
  readonly stage?: StageName | undefined;
  readonly sql: boolean;
  /** Tables that came after their stage, instead of stages. */
  readonly newTables?: boolean;
};

/** `tenantry plan`: every step with its lock; with `--sql`, a script for psql. */
export function plan(options: PlanOptions): Promise<void> {
  return inWorkspace(options, (workspace, output) => planAndShow(workspace, output, options));
}

/** The same in a workspace that is open already. */
export async function planAndShow(
  workspace: Workspace,
  output: Output,
  options: PlanOptions,
): Promise<void> {
  const planned =
    options.newTables === true
      ? await planNewTables(workspace)
      : await planStages(workspace, options);
  if (options.sql) process.stdout.write(planScript(planned.plan));
  else await output.show({ kind: "plan", ...planned.plan }, () => showPlan(planned));
}

type Planned = {
  readonly plan: Plan<RunName>;
  readonly steps: ReadonlyMap<string, readonly StepLine[]>;
  readonly application?: ReadApplication | undefined;
};

function showPlan({ plan, steps, application }: Planned): string {
  const { stages: planned, notices } = plan;
  const parts = planned.map(({ stage, title, leavesOut }) => {
    const lines = steps.get(stage) ?? [];
    const table = formatTable(["step", "strongest lock", "on", "size"], lines.map(row), [3]);
    const left = leavesOut
      .map(
        (text) => `note: ${text}
`,
      )
      .join("");
    return `${stage}: ${title}
${table}
${left}`;
  });
  return [
    ...notices.map((notice) => `note: ${notice}\n`),
    ...parts,
    ...(application === undefined ? [] : [showApplication(application)]),
  ].join("\n");
}

/** What Day 3 would do to the application's files now, and whether it would be refused. */
function showApplication({ changes, gates, unfenced }: ReadApplication): string {
  const files = changes.map(({ file }) => `\n  ${file}`).join("");
  const names = gates.map(({ name }) => name).join(", ");
  const refused =
    unfenced.length === 0
      ? ""
      : `Day 3 would be refused: ${unfenced.length} findings must be fixed by hand first (tenantry code check)\n`;
  return `files that Day 3 changes:${files || " none"}\ngates: ${names}\n${refused}`;
}

function row({ id, lock, on, bytes }: StepLine): string[] {
  return [id, lock === "none" ? "" : lock, on, bytes === undefined ? "" : formatBytes(bytes)];
}
