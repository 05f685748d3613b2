import { stages } from "../../stages/index.ts";
import { findRelation, readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import { readRuns } from "../journal/journal.ts";
import { type Plan, planStages } from "../plan/plan.ts";
import { planScript } from "../plan/script.ts";
import type { Some } from "../postgres/sql.ts";
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
  const parts = planned.map(({ stage, title, steps, leavesOut }) => {
    const table = formatTable(
      ["step", "strongest lock", "on", "size"],
      foldPartitions(steps).map((folded) => row(folded, snapshot)),
      [3],
    );
    const left = leavesOut.map((text) => `note: ${text}\n`).join("");
    return `${stage}: ${title}\n${table}\n${left}`;
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
      : `Day 3 would be refused: ${unfenced.length} findings are left to a person (tenantry code check)\n`;
  return `files that Day 3 changes:${files || " none"}\ngates: ${names}\n${refused}`;
}

/** A step, with all others that do the same to other partitions of its table. */
type Folded = { readonly id: string; readonly steps: Some<Step> };

/** One for all partitions of a table, where the first of them is: a table may have hundreds. */
function foldPartitions(steps: readonly Step[]): Folded[] {
  const folded = new Map<string, Folded>();
  for (const step of steps) {
    const kind = step.id.split("/").at(-1) ?? "";
    const of =
      step.partitionOf === undefined ? undefined : `${relationKey(step.partitionOf)} ${kind}`;
    const key = of ?? step.id;
    const before = folded.get(key);
    const id = step.id.split("/").with(-2, "*").join("/");
    if (before === undefined)
      folded.set(key, { id: of === undefined ? step.id : id, steps: [step] });
    else folded.set(key, { id: before.id, steps: [...before.steps, step] });
  }
  return [...folded.values()];
}

function row({ id, steps }: Folded, snapshot: Snapshot): string[] {
  const [{ lock, partitionOf }] = steps;
  const sizes = steps.flatMap(({ table }) => {
    const existing = table === undefined ? undefined : findRelation(snapshot, table);
    // One that is partitioned itself has the size of its own partitions.
    const counted = existing?.kind === "table" || steps.length === 1;
    return existing !== undefined && counted ? [existing.bytes] : [];
  });
  const on = lock.level === "none" ? "" : lock.on.map(({ name }) => name).join(", ");
  return [
    id,
    lock.level === "none" ? "" : lock.level,
    partitionOf === undefined || steps.length === 1
      ? on
      : `${steps.length} partitions, one after the other`,
    sizes.length === 0 ? "" : formatBytes(sizes.reduce((sum, bytes) => sum + bytes, 0)),
  ];
}
