import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import type { NewRun } from "../journal/journal.ts";
import type { StagePlan } from "../plan/plan.ts";
import { formatTable } from "../report/table.ts";
import { counted, formatBytes, formatCount, formatDuration } from "../report/units.ts";
import { labelled } from "../report/wrap.ts";
import { type LockLevel, lockLevels, type Step } from "../steps/step.ts";
import { fromConfig, type Workplace } from "./workplace.ts";

/** What a stage will do, before anybody is asked whether it may: a line a table. */
export function showStageScreen(
  workplace: Workplace,
  plan: StagePlan,
  snapshot: Snapshot,
  predicted: NewRun["predicted"],
): string {
  const parts = partsOf(plan.steps);
  const rehearsed = Object.keys(predicted).length > 0;
  const rows = parts.map(({ title, steps }) => row(title, steps, snapshot, predicted));
  const head = ["table", "steps", "rows", "size", "strongest lock", rehearsed ? "rehearsed" : ""];
  const total = plan.steps.reduce((sum, { id }) => sum + (predicted[id]?.milliseconds ?? 0), 0);
  const { settings } = workplace;
  const backups = fromConfig(workplace, settings.backups.folder);
  const repository = fromConfig(workplace, settings.git.repository);
  const columns = process.stdout.columns ?? 120;
  const notes = [
    labelled(
      "first",
      `a backup of ${formatBytes(snapshot.server.databaseBytes)} of database into ${backups}`,
      columns,
    ),
    labelled("", `the git tag before-multitenancy-${plan.stage} in ${repository}`, columns),
    ...applicationNotes(workplace, plan, columns),
    labelled(
      "locks",
      `given up after ${settings.online.lockTimeoutInMilliseconds} ms and asked for again, so that nobody queues behind them`,
      columns,
    ),
    labelled(
      "time",
      rehearsed
        ? `${formatDuration(total)} in its rehearsal, without the backup`
        : plan.steps.some(({ mode }) => mode === "application")
          ? "unknown: the gates take what they take"
          : "unknown: tenantry rehearse tries it on a copy",
      columns,
    ),
    labelled(
      "way out",
      `Ctrl-C stops after the statement under way; tenantry rollback --stage ${plan.stage} undoes all of it`,
      columns,
    ),
  ];
  return `\n${plan.stage}: ${plan.title}\n${formatTable(head, rows, [1, 2, 3, 5])}\n${notes.join("\n")}\n`;
}

/** What becomes of the application's files, and what it is asked before and after. */
function applicationNotes(workplace: Workplace, plan: StagePlan, columns: number): string[] {
  return plan.steps.flatMap((step) => {
    if (step.mode !== "application") return [];
    const { changes, gates } = step;
    const folder = fromConfig(workplace, workplace.settings.code.folder);
    const files = changes.map(({ file }) => file).join(", ");
    const names = gates.map(({ name }) => name).join(", ");
    return [
      changes.length === 0
        ? labelled("files", "none is changed: the application is rewritten already", columns)
        : labelled(
            "files",
            `${counted(changes.length, "file")} changed in ${folder}, none committed: ${files}`,
            columns,
          ),
      labelled(
        "gates",
        changes.length === 0 ? names : `${names}, before the files are changed and after`,
        columns,
      ),
    ];
  });
}

type Part = { readonly title: string; readonly steps: readonly Step[] };

function partsOf(steps: readonly Step[]): Part[] {
  const parts = new Map<string, Step[]>();
  for (const step of steps) {
    const title = step.table?.name ?? step.title;
    parts.set(title, [...(parts.get(title) ?? []), step]);
  }
  return [...parts].map(([title, own]) => ({ title, steps: own }));
}

function row(
  title: string,
  steps: readonly Step[],
  snapshot: Snapshot,
  predicted: NewRun["predicted"],
): string[] {
  const [first] = steps;
  const existing = first?.table === undefined ? undefined : findRelation(snapshot, first.table);
  const milliseconds = steps.reduce((sum, { id }) => sum + (predicted[id]?.milliseconds ?? 0), 0);
  const known = steps.some(({ id }) => predicted[id] !== undefined);
  const rows = existing?.estimatedRows;
  return [
    title,
    String(steps.length),
    rows === undefined || rows === null ? "" : `~${formatCount(rows)}`,
    existing === undefined ? "" : formatBytes(existing.bytes),
    strongestLock(steps) ?? "",
    known ? formatDuration(milliseconds) : "",
  ];
}

function strongestLock(steps: readonly Step[]): LockLevel | undefined {
  return lockLevels.find((level) => steps.some(({ lock }) => lock.level === level));
}
