import path from "node:path";
import { z } from "zod";
import { stages } from "../../stages/index.ts";
import { type Run, readRuns } from "../journal/journal.ts";
import { type JournaledStep, readOutlines, readSteps } from "../journal/steps.ts";
import { describeTarget, type Session } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { offBy } from "../rehearsal/prediction.ts";
import { formatTable } from "../report/table.ts";
import { formatBytes, formatDuration } from "../report/units.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

export type StatusOptions = GlobalOptions & { readonly steps: boolean };

/** `tenantry status`: where each stage stands, and what can be done next. */
export function status(options: StatusOptions): Promise<void> {
  return withWorkplace(options, (workplace) => statusIn(workplace, options));
}

type StageStatus = {
  readonly stage: string;
  readonly title: string;
  readonly state: Run["state"] | "not applied";
  readonly applied: number;
  readonly steps: number;
  readonly current: string | null;
  readonly startedBy: string | null;
  readonly startedAt: string | null;
  readonly backup: string | null;
};

/** The same in a workplace that is open already. */
export async function statusIn(
  { session, target, output }: Workplace,
  { steps: withSteps }: StatusOptions,
): Promise<void> {
  const runs = await readRuns(session);
  const found: StageStatus[] = [];
  const journaled: JournaledStep[] = [];
  for (const { name, title } of stages) {
    const run = runs.findLast(({ stage }) => stage === name);
    const steps = run === undefined ? [] : await readOutlines(session, run.id);
    if (withSteps && run !== undefined && run.state !== "rolled back") {
      journaled.push(...(await readSteps(session, run.id)));
    }
    const running = steps.filter(({ state }) => state === "running");
    const next = steps.find(({ state }) => state === "pending");
    const current = (running.length > 0 ? running : [next]).flatMap(
      (step) => step?.definition.id ?? [],
    );
    found.push({
      stage: name,
      title,
      state: run?.state ?? "not applied",
      applied: steps.filter(({ state }) => state === "applied").length,
      steps: steps.length,
      current: run?.state === "running" ? current.join(", ") || "verification" : null,
      startedBy: run?.startedBy ?? null,
      startedAt: run?.startedAt.toISOString() ?? null,
      backup: run?.backupFolder ?? null,
    });
  }
  const next = nextCommand(found);
  const database = describeTarget(target);
  const steps = withSteps ? { steps: journaled } : {};
  const table = formatTable(
    ["stage", "state", "steps", "at", "by, since", "backup"],
    found.map((one) => [
      one.stage,
      one.state,
      one.steps === 0 ? "" : `${one.applied}/${one.steps}`,
      one.current ?? "",
      one.startedAt === null ? "" : `${one.startedBy}, ${one.startedAt.slice(0, 16)}Z`,
      one.backup === null ? "" : path.relative(process.cwd(), one.backup),
    ]),
  );
  const costs = withSteps ? `\n${showCosts(journaled)}` : "";
  const { version, bytes } = await readServer(session);
  await output.show(
    { kind: "status", database, version, bytes, stages: found, ...steps, next },
    () =>
      `${database}: PostgreSQL ${version}, ${formatBytes(bytes)}\n${table}\n${costs}next: ${next}\n`,
  );
}

async function readServer(session: Session): Promise<{ version: string; bytes: number }> {
  const [row] = await session.rows(
    sql`
      SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
             pg_database_size(current_database()) AS bytes
    `,
    z.object({ version: z.string(), bytes: z.coerce.number() }),
  );
  if (row === undefined) throw new Error("the server did not say what it is");
  return row;
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
  return `${near.length} of ${long.length} steps over ${comparable} ms took between half and twice what their rehearsal had said\n`;
}

function nextCommand(found: readonly StageStatus[]): string {
  const turned = found.findLast(({ state }) => state === "rolling back");
  if (turned !== undefined) return `tenantry rollback --stage ${turned.stage} (it was interrupted)`;
  const open = found.find(({ state }) => state !== "applied");
  if (open === undefined) return "tenantry --stage day3 --verify";
  return open.state === "running"
    ? `tenantry run --stage ${open.stage} (it goes on), or tenantry rollback`
    : `tenantry plan --stage ${open.stage}, then tenantry run --stage ${open.stage}`;
}
