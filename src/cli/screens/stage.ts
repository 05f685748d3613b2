import { countById, listCounts } from "../../events/finding.ts";
import { counted, formatBytes, formatCount, formatDuration } from "../../number-formats.ts";
import type { Confirmation, PlannedStage } from "../../operations/context/caller.ts";
import type { TableLine } from "../../plan/summary.ts";
import { formatTable } from "../../report/terminal/table.ts";
import { labelled } from "../../report/terminal/wrap.ts";

type Run = Extract<Confirmation, { kind: "run" }>;

/** What a stage will do, before it is confirmed: a line a table. */
export function showStageScreen(run: Run, planned: PlannedStage): string {
  const { stage, title, tables, milliseconds } = planned;
  const rehearsed = milliseconds !== undefined;
  const head = ["table", "steps", "rows", "size", "strongest lock", rehearsed ? "rehearsed" : ""];
  const columns = process.stdout.columns ?? 120;
  const note = (label: string, text: string) => labelled(label, text, columns);
  const notes = [
    note("first", `a backup of ${formatBytes(run.databaseBytes)} of database into ${run.backups}`),
    note("", `the git tag before-multitenancy-${stage} in ${run.repository}`),
    ...applicationNotes(planned, columns),
    ...planned.crossing.map((text, place) => note(place === 0 ? "rows" : "", text)),
    note(
      "locks",
      `a lock that is not granted in ${run.lockTimeoutInMilliseconds} ms is given up and retried, so that no writer queues behind it`,
    ),
    note("time", timeOf(planned)),
    ...(run.around.length === 0
      ? []
      : [
          note(
            "around",
            `${counted(run.around.length, "way")} around the fence that no stage closes: ${listCounts(countById(run.around))}; tenantry check lists them`,
          ),
        ]),
    note(
      "way out",
      `Ctrl-C stops after the statement under way; tenantry rollback --stage ${stage} undoes all of it`,
    ),
  ];
  return `\n${stage}: ${title}\n${formatTable(head, tables.map(row), [1, 2, 3, 5])}\n${notes.join("\n")}\n`;
}

function timeOf({ milliseconds, application }: PlannedStage): string {
  if (milliseconds !== undefined) {
    return `${formatDuration(milliseconds)} in its rehearsal, without the backup`;
  }
  return application === undefined
    ? "unknown: tenantry rehearse tries it on a copy"
    : "unknown: it depends on the gates";
}

/** What becomes of the application's files, and what is asked before and after. */
function applicationNotes({ application }: PlannedStage, columns: number): string[] {
  if (application === undefined) return [];
  const { folder, changed, gates } = application;
  const names = gates.join(", ");
  return changed.length === 0
    ? [
        labelled("files", "none is changed: the application is rewritten already", columns),
        labelled("gates", names, columns),
      ]
    : [
        labelled(
          "files",
          `${counted(changed.length, "file")} changed in ${folder}, none committed: ${changed.join(", ")}`,
          columns,
        ),
        labelled("gates", `${names}, before the files are changed and after`, columns),
      ];
}

function row({ title, steps, rows, bytes, strongestLock, milliseconds }: TableLine): string[] {
  return [
    title,
    String(steps),
    rows === undefined ? "" : `~${formatCount(rows)}`,
    bytes === undefined ? "" : formatBytes(bytes),
    strongestLock ?? "",
    milliseconds === undefined ? "" : formatDuration(milliseconds),
  ];
}
