import path from "node:path";
import { stages } from "../../stages/index.ts";
import { type Run, readRuns, readSteps } from "../journal/journal.ts";
import { describeTarget } from "../postgres/connection.ts";
import { formatTable } from "../report/table.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

/** `tenantry status`: where each stage stands, and what can be done next. */
export function status(options: GlobalOptions): Promise<void> {
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

async function statusIn({ session, target }: Workplace, { json }: GlobalOptions): Promise<void> {
  const runs = await readRuns(session);
  const found: StageStatus[] = [];
  for (const { name, title } of stages) {
    const run = runs.findLast(({ stage }) => stage === name);
    const steps = run === undefined ? [] : await readSteps(session, run.id);
    const current = steps.find(({ state }) => state === "running" || state === "pending");
    found.push({
      stage: name,
      title,
      state: run?.state ?? "not applied",
      applied: steps.filter(({ state }) => state === "applied").length,
      steps: steps.length,
      current: run?.state === "running" ? (current?.definition.id ?? "verification") : null,
      startedBy: run?.startedBy ?? null,
      startedAt: run?.startedAt.toISOString() ?? null,
      backup: run?.backupFolder ?? null,
    });
  }
  const next = nextCommand(found);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ database: describeTarget(target), stages: found, next })}\n`,
    );
    return;
  }
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
  process.stdout.write(`${describeTarget(target)}\n${table}\nnext: ${next}\n`);
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
