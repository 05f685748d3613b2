import path from "node:path";
import { formatBytes, formatCount, formatDuration } from "../../number-formats.ts";
import type { Rehearsal } from "../../rehearsal/rehearsal.ts";
import { formatTable } from "../../report/terminal/table.ts";

/** Steps that take less are of no interest one by one. */
const worthSaying = 50;

/** What was rehearsed, for people. */
export function showRehearsal(rehearsal: Rehearsal, file: string): string {
  const { application, rollback } = rehearsal;
  const stages = rehearsal.stages.map((stage) => {
    const rows = stage.steps
      .filter(({ predicted }) => predicted.milliseconds >= worthSaying)
      .map(({ id, lock, predicted }) => [
        id,
        lock === "none" ? "" : lock,
        formatDuration(predicted.milliseconds),
        predicted.grownBytes === null ? "" : formatBytes(predicted.grownBytes),
      ]);
    const rest = stage.steps.length - rows.length;
    const outcome =
      stage.failure === null
        ? `will take about ${formatDuration(stage.predictedMilliseconds)}`
        : `FAILED at ${stage.failure.object}`;
    const table = formatTable(["step", "strongest lock", "time", "disk"], rows, [2, 3]);
    return `${stage.stage} ${outcome}\n${rows.length === 0 ? "" : `${table}\n`}and ${rest} steps of less than ${worthSaying} ms each\n`;
  });
  const left = application.notWritten.map((line) => `  not tried: ${line}\n`).join("");
  return `
Rehearsed on ${rehearsal.copy}, on ${rehearsal.server}:

${stages.join("\n")}
rollback of all of it took ${formatDuration(rollback.milliseconds)}; the schema's fingerprint ${rollback.failure === null ? "is the one from before" : "DIFFERS"}
an application that knows nothing of organizations made ${formatCount(application.writes)} writes: ${formatCount(application.failed)} failed, the longest took ${formatDuration(application.longestWaitInMilliseconds)} (99 % under ${formatDuration(application.p99InMilliseconds)})
${application.failures.map((line) => `  failed: ${line}\n`).join("")}${left}kept in ${path.relative(process.cwd(), file)}; tenantry run holds itself against it, and tenantry status --steps shows both
`;
}
