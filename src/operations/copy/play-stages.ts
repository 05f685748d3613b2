import { readSnapshot } from "../../catalog/snapshot.ts";
import { relationKey } from "../../config/relation-name.ts";
import { AppError } from "../../errors.ts";
import { type Run, readRuns } from "../../journal/journal.ts";
import { readOutlines } from "../../journal/steps.ts";
import { type OldApplication, startOldApplication } from "../../rehearsal/old-application.ts";
import { predict, type Scale } from "../../rehearsal/prediction.ts";
import type { Rehearsal, RehearsedStage } from "../../rehearsal/rehearsal.ts";
import type { StageName } from "../../steps/model/stage.ts";
import { unattended } from "../context/caller.ts";
import type { Workspace } from "../context/workspace.ts";
import { rollBackStages } from "../roll-back.ts";
import { runStages } from "../run-stages.ts";

type Played = Pick<Rehearsal, "stages" | "rollback" | "application">;

/** Runs stages on a copy while an old application writes, and rolls back what was run. */
export async function playStages(
  workspace: Workspace,
  stages: readonly StageName[],
  { writesPerSecond, signal }: { readonly writesPerSecond: number; readonly signal: AbortSignal },
): Promise<Played> {
  const { session, settings, target } = workspace;
  const scale = await scaleOf(workspace);
  // The rehearsal was confirmed; on its copy nothing is asked.
  const copy = { ...workspace, caller: { ...workspace.caller, questions: unattended } };
  const played: RehearsedStage[] = [];
  let rollback: Rehearsal["rollback"];
  // Its statements are none of the rehearsal's, and not in its log.
  const { observe: _observe, ...copied } = target;
  const application = await startOldApplication(copied, settings, { writesPerSecond });
  try {
    for (const stage of stages) {
      signal.throwIfAborted();
      const failure = await failureOf(() => runStages(copy, { stage }));
      const run = (await readRuns(session)).findLast((one) => one.stage === stage);
      played.push(await describeStage(workspace, { stage, run, failure, scale }));
      if (failure !== null) break;
    }
    rollback = await rollBackAll(copy, played);
  } finally {
    await application.stop();
  }
  return { stages: played, rollback, application: describeApplication(application) };
}

async function rollBackAll(
  workspace: Workspace,
  played: readonly RehearsedStage[],
): Promise<Rehearsal["rollback"]> {
  const started = performance.now();
  let failure: RehearsedStage["failure"] = null;
  for (const { stage } of played.filter((one) => one.failure === null).toReversed()) {
    const request = { stage, despiteGuards: true };
    failure ??= await failureOf(() => rollBackStages(workspace, request));
  }
  return { milliseconds: Math.round(performance.now() - started), failure };
}

/** What a stage fails with is what a rehearsal is for; an internal error is not. */
async function failureOf(work: () => Promise<unknown>): Promise<RehearsedStage["failure"]> {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "INTERRUPTED") throw error;
    const { code, object, fault, details } = error;
    return { code, object, fault, details: [...details] };
  }
}

async function describeStage(
  { session }: Workspace,
  facts: {
    stage: StageName;
    run: Run | undefined;
    failure: RehearsedStage["failure"];
    scale: Scale;
  },
): Promise<RehearsedStage> {
  const { stage, run, failure, scale } = facts;
  if (run === undefined) {
    return { stage, planDigest: "", steps: [], milliseconds: 0, predictedMilliseconds: 0, failure };
  }
  const steps = (await readOutlines(session, run.id)).flatMap(
    ({ definition, milliseconds, grownBytes }) => {
      if (milliseconds === null) return [];
      const measured = { milliseconds, grownBytes };
      const predicted = predict(definition, measured, scale);
      return [{ id: definition.id, lock: definition.lock.level, measured, predicted }];
    },
  );
  const whole = (run.finishedAt?.getTime() ?? run.startedAt.getTime()) - run.startedAt.getTime();
  const longer = steps.reduce(
    (sum, { measured, predicted }) => sum + predicted.milliseconds - measured.milliseconds,
    0,
  );
  return {
    stage,
    planDigest: run.planDigest,
    steps,
    milliseconds: whole,
    predictedMilliseconds: whole + longer,
    failure,
  };
}

/** How many times larger each table is than its copy. */
async function scaleOf({ session, planAs }: Workspace): Promise<Scale> {
  const { relations } = await readSnapshot(session);
  return new Map(
    relations.flatMap((relation) => {
      const bytes = planAs?.tableBytes.get(relationKey(relation));
      return bytes === undefined || relation.bytes === 0
        ? []
        : [[relationKey(relation), bytes / relation.bytes]];
    }),
  );
}

function describeApplication(application: OldApplication): Rehearsal["application"] {
  const report = application.report();
  return {
    writes: report.writes,
    failed: report.failed,
    failures: [...report.failures],
    longestWaitInMilliseconds: report.longestWaitInMilliseconds,
    p99InMilliseconds: report.p99InMilliseconds,
    notWritten: application.notWritten.map(
      ({ table, verb, reason }) => `${verb} ${table}: ${reason}`,
    ),
  };
}
