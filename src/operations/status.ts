import { z } from "zod";
import { stages } from "../../stages/index.ts";
import { laterRuns, type Run, readRuns } from "../journal/journal.ts";
import { type JournaledStep, readOutlines, readSteps } from "../journal/steps.ts";
import { describeTarget, type Session } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import {
  commandOf,
  isLater,
  type LaterName,
  type RunName,
  type StageName,
} from "../steps/model/stage.ts";
import type { Workspace } from "./context/workspace.ts";

export { offBy } from "../rehearsal/prediction.ts";

export type StageStatus<Name extends RunName = RunName> = {
  readonly stage: Name;
  readonly title: string;
  readonly state: Run["state"] | "not applied";
  /** Steps that are applied, of all. */
  readonly applied: number;
  readonly steps: number;
  /** The step under way, or the next one; null unless the stage is running. */
  readonly current: string | null;
  readonly startedBy: string | null;
  readonly startedAt: string | null;
  /** The folder of its backup. */
  readonly backup: string | null;
};

export type Status = {
  /** The database, its user and its server, in words. */
  readonly database: string;
  /** Of the server. */
  readonly version: string;
  /** Of the database. */
  readonly bytes: number;
  readonly stages: readonly StageStatus<StageName>[];
  /** Tables that came after their stage, and were fenced by themselves. */
  readonly later: readonly StageStatus<LaterName>[];
  /** Every step of the stages in force, where asked for. */
  readonly steps: readonly JournaledStep[];
  /** The command that comes next. */
  readonly next: string;
};

/** Where each stage stands, from the journal. */
export async function readStatus(
  { session, target }: Workspace,
  { withSteps }: { readonly withSteps: boolean } = { withSteps: false },
): Promise<Status> {
  const runs = await readRuns(session);
  const found: StageStatus<StageName>[] = [];
  const later: StageStatus<LaterName>[] = [];
  const steps: JournaledStep[] = [];
  for (const { name, title } of stages) {
    const run = runs.findLast(({ stage }) => stage === name);
    found.push(await statusOf(session, { stage: name, title }, run));
    if (withSteps && run !== undefined && run.state !== "rolled back") {
      steps.push(...(await readSteps(session, run.id)));
    }
  }
  for (const run of laterRuns(runs)) {
    const { stage, title } = run;
    if (!isLater(stage)) continue;
    later.push(await statusOf(session, { stage, title }, run));
    if (withSteps) steps.push(...(await readSteps(session, run.id)));
  }
  return {
    database: describeTarget(target),
    ...(await readServer(session)),
    stages: found,
    later,
    steps,
    next: nextCommand(found, later),
  };
}

async function statusOf<Name extends RunName>(
  session: Session,
  named: Pick<StageStatus<Name>, "stage" | "title">,
  run: Run | undefined,
): Promise<StageStatus<Name>> {
  const steps = run === undefined ? [] : await readOutlines(session, run.id);
  const running = steps.filter(({ state }) => state === "running");
  const next = steps.find(({ state }) => state === "pending");
  const current = (running.length > 0 ? running : [next]).flatMap(
    (step) => step?.definition.id ?? [],
  );
  return {
    ...named,
    state: run?.state ?? "not applied",
    applied: steps.filter(({ state }) => state === "applied").length,
    steps: steps.length,
    current: run?.state === "running" ? current.join(", ") || "verification" : null,
    startedBy: run?.startedBy ?? null,
    startedAt: run?.startedAt.toISOString() ?? null,
    backup: run?.backupFolder ?? null,
  };
}

async function readServer(session: Session): Promise<{ version: string; bytes: number }> {
  const [row] = await session.rows(
    sql`
      SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
             pg_database_size(current_database()) AS bytes
    `,
    z.object({ version: z.string(), bytes: z.coerce.number() }),
  );
  if (row === undefined) throw new Error("the server did not answer with its version");
  return row;
}

function nextCommand(
  found: readonly StageStatus<StageName>[],
  later: readonly StageStatus<LaterName>[],
): string {
  const begun = later.find(({ state }) => state === "running");
  if (begun !== undefined) {
    return `${commandOf(begun.stage)} to resume ${begun.stage}, or tenantry rollback`;
  }
  const turned = [...found, ...later].findLast(({ state }) => state === "rolling back");
  if (turned !== undefined) {
    return `tenantry rollback --stage ${turned.stage} (it was interrupted), or ${commandOf(turned.stage)} to go on with the stage`;
  }
  const open = found.find(({ state }) => state !== "applied");
  if (open === undefined) return "tenantry verify day3";
  return open.state === "running"
    ? `tenantry run --stage ${open.stage} to resume it, or tenantry rollback`
    : `tenantry plan --stage ${open.stage}, then tenantry run --stage ${open.stage}`;
}
