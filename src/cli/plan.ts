import { stages } from "../../stages/index.ts";
import { findRelation, readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { readRuns } from "../journal/journal.ts";
import { type Plan, planStages } from "../plan/plan.ts";
import { planScript } from "../plan/script.ts";
import { formatTable } from "../report/table.ts";
import { formatBytes } from "../report/units.ts";
import type { StageName } from "../steps/stage.ts";
import type { Step } from "../steps/step.ts";
import { type ReadApplication, readApplication } from "./application.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

export type PlanOptions = GlobalOptions & {
  readonly stage?: StageName | undefined;
  readonly sql: boolean;
};

/** `tenantry plan`: every step with its lock; with `--sql`, a script for psql. */
export function plan(options: PlanOptions): Promise<void> {
  return withWorkplace(options, (workplace) => planIn(workplace, options));
}

/** The same in a workplace that is open already. */
export async function planIn(workplace: Workplace, options: PlanOptions): Promise<void> {
  const { session, settings, configFile, output } = workplace;
  const snapshot = await readSnapshot(session);
  const applied = (await readRuns(session))
    .filter(({ state }) => state === "applied")
    .map(({ stage }) => stage);
  const wanted = stages.filter(({ name }) =>
    options.stage === undefined ? !applied.includes(name) : name === options.stage,
  );
  const read = wanted.some(({ name }) => name === "day3")
    ? await readApplication(workplace)
    : undefined;
  const planned = planStages(settings, snapshot, wanted, configFile, { application: read });
  if (options.sql) process.stdout.write(planScript(planned));
  else await output.show({ kind: "plan", ...planned }, () => showPlan(planned, snapshot, read));
}

function showPlan(
  { stages: planned, notices }: Plan,
  snapshot: Snapshot,
  application: ReadApplication | undefined,
): string {
  const parts = planned.map(({ stage, title, steps }) => {
    const table = formatTable(
      ["step", "strongest lock", "on", "size"],
      steps.map((step) => row(step, snapshot)),
      [3],
    );
    return `${stage}: ${title}\n${table}\n`;
  });
  return [
    ...notices.map((notice) => `note: ${notice}\n`),
    ...parts,
    ...(application === undefined ? [] : [showApplication(application)]),
  ].join("\n");
}

/** What Day 3 would do to the application's files now, and whether it would be refused. */
function showApplication({ changes, gates, unfenced }: ReadApplication): string {
  const files = changes.map(({ file }) => file).join(", ");
  const names = gates.map(({ name }) => name).join(", ");
  const refused =
    unfenced.length === 0
      ? ""
      : `Day 3 would be refused: ${unfenced.length} findings are left to a person (tenantry code check)\n`;
  return `files that Day 3 changes: ${files || "none"}\ngates: ${names}\n${refused}`;
}

function row(step: Step, snapshot: Snapshot): string[] {
  const existing = step.table === undefined ? undefined : findRelation(snapshot, step.table);
  const { lock } = step;
  return [
    step.id,
    lock.level === "none" ? "" : lock.level,
    lock.level === "none" ? "" : lock.on.map(({ name }) => name).join(", "),
    existing === undefined ? "" : formatBytes(existing.bytes),
  ];
}
