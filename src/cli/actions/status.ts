import path from "node:path";
import type { JournaledStep } from "../../journal/steps.ts";
import { formatBytes, formatDuration } from "../../number-formats.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { offBy, readStatus, type Status } from "../../operations/status.ts";
import { formatTable } from "../../report/terminal/table.ts";
import type { GlobalOptions } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

export type StatusOptions = GlobalOptions & { readonly steps: boolean };

/** `tenantry status`: where each stage stands, and the next command. */
export function status(options: StatusOptions): Promise<void> {
  return inWorkspace(options, (workspace, output) => statusAndShow(workspace, output, options));
}

/** The same in a workspace that is open already. */
export async function statusAndShow(
  workspace: Workspace,
  output: Output,
  { steps: withSteps }: Pick<StatusOptions, "steps">,
): Promise<void> {
  const { steps, ...found } = await readStatus(workspace, { withSteps });
  const result = { kind: "status", ...found, ...(withSteps ? { steps } : {}) } as const;
  await output.show(result, () => showStatus(found, withSteps ? `\n${showCosts(steps)}` : ""));
}

function showStatus(
  { database, version, bytes, stages, later, next }: Omit<Status, "steps">,
  costs: string,
): string {
  const table = formatTable(
    ["stage", "state", "steps", "at", "by, since", "backup"],
    [...stages, ...later].map((one) => [
      one.stage,
      one.state,
      one.steps === 0 ? "" : `${one.applied}/${one.steps}`,
      one.current ?? "",
      one.startedAt === null ? "" : `${one.startedBy}, ${one.startedAt.slice(0, 16)}Z`,
      one.backup === null ? "" : path.relative(process.cwd(), one.backup),
    ]),
  );
  return `${database}: PostgreSQL ${version}, ${formatBytes(bytes)}\n${table}\n${costs}next: ${next}\n`;
}

/** What each step took, and how far its prediction was off. */
function showCosts(steps: readonly JournaledStep[]): string {
  const rows = steps.map(({ definition, state, ...cost }) => {
    const { milliseconds, predictedMilliseconds, grownBytes, predictedBytes } = cost;
    const factor =
      milliseconds === null || predictedMilliseconds === null
        ? ""
        : `${offBy(predictedMilliseconds, milliseconds).toFixed(1)} ×`;
    return [
      definition.id,
      state,
      milliseconds === null ? "" : formatDuration(milliseconds),
      predictedMilliseconds === null ? "" : formatDuration(predictedMilliseconds),
      factor,
      grownBytes === null ? "" : formatBytes(grownBytes),
      predictedBytes === null ? "" : formatBytes(predictedBytes),
    ];
  });
  const head = ["step", "state", "took", "rehearsed", "off by", "grew by", "rehearsed"];
  return `${formatTable(head, rows, [2, 3, 4, 5, 6])}\n${showAccuracy(steps)}\n`;
}

/** Below this, a step's time is the scheduler's rather than its own. */
const comparable = 100;

function showAccuracy(steps: readonly JournaledStep[]): string {
  const compared = steps.flatMap(({ milliseconds, predictedMilliseconds }) =>
    milliseconds === null || predictedMilliseconds === null
      ? []
      : [{ milliseconds, predictedMilliseconds }],
  );
  if (compared.length === 0) return "no rehearsal of these steps is kept\n";
  const long = compared.filter(
    (one) => Math.max(one.milliseconds, one.predictedMilliseconds) > comparable,
  );
  const near = long.filter((one) => offBy(one.predictedMilliseconds, one.milliseconds) <= 2);
  return `${near.length} of ${long.length} steps over ${comparable} ms took between half and twice their predicted time\n`;
}
