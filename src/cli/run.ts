import path from "node:path";
import { stages } from "../../stages/index.ts";
import { loadAttribution } from "../attribution/load.ts";
import { readAttribution } from "../attribution/manifest.ts";
import { readSystem } from "../backup/belongs.ts";
import { AppError } from "../errors.ts";
import { type Run, readRuns, runInForce } from "../journal/journal.ts";
import { digestOf, planStages } from "../plan/plan.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import { type BegunStage, beginStage, resumeStage, runStage } from "../run/run-stage.ts";
import type { Application } from "../steps/application.ts";
import type { Kept } from "../steps/kept.ts";
import type { Stage, StageName } from "../steps/stage.ts";
import { readApplication, refuseUnfenced } from "./application.ts";
import { backUpStage, refuseUntaggableStages } from "./backup.ts";
import { confirm, mayAsk } from "./confirm.ts";
import { decide, rolledBack } from "./failed-stage.ts";
import type { GlobalOptions } from "./options.ts";
import { predictionOf } from "./prediction.ts";
import { showStageScreen } from "./stage-screen.ts";
import type { VerifyBackupOptions } from "./verify-backup.ts";
import {
  readSnapshotToPlan,
  type Workplace,
  type WritingWorkplace,
  whileWriting,
  withWorkplace,
} from "./workplace.ts";

export type RunOptions = GlobalOptions &
  Pick<VerifyBackupOptions, "scratch" | "identity"> & {
    readonly stage?: StageName | undefined;
    /** Restores each backup elsewhere before its stage begins. */
    readonly verifyBackup?: boolean;
    /** Runs a stage that failed in its rehearsal, too. */
    readonly despiteRehearsal?: boolean;
    /** What a rollback of the stage kept: rows, organizations and memberships are as they were. */
    readonly attribution?: string | undefined;
  };

/** `tenantry run`: the stages that are left, or the one named. */
export function run(options: RunOptions): Promise<void> {
  return withWorkplace(options, (workplace) => runIn(workplace, options), "run");
}

/** Runs stages in a workplace that is open already. */
export async function runIn(workplace: Workplace, options: RunOptions): Promise<void> {
  const notices = await planBefore(workplace, options);
  await whileWriting(workplace, "run", async (writing) => {
    for (const text of notices) writing.emit({ kind: "notice", text });
    // Asked again under the lease: another run may have come to its end meanwhile.
    for (const stage of await stagesToRun(workplace, options.stage))
      await runOne(writing, stage, options);
  });
}

/**
 * Plans what is to be run, and asks whether it is meant. The plan and the snapshot are let go with
 * this: each stage is planned again when its turn comes.
 * @returns what to say of the plan
 */
async function planBefore(workplace: Workplace, options: RunOptions): Promise<readonly string[]> {
  const wanted = await stagesToRun(workplace, options.stage);
  const snapshot = await readSnapshotToPlan(workplace);
  // What is under way goes on as it was journaled, whatever the configuration says now.
  const runs = await readRuns(workplace.session);
  const begun = runs.filter(({ stage }) => wanted.includes(stage));
  for (const one of begun) if (one.state === "rolling back") refuseUnlessUnderWay(one);
  const underway = begun.filter(({ state }) => state === "running").map(({ stage }) => stage);
  // A plan that does not fit the database is refused before anybody is asked, and before a backup.
  const anew = stages.filter(({ name }) => wanted.includes(name) && !underway.includes(name));
  const application = await applicationOf(workplace, anew);
  const { configFile } = workplace;
  const plan = planStages(workplace.settings, snapshot, anew, configFile, { application });
  if (plan.stages.length > 0) {
    const applied = runs.filter(({ state }) => state === "applied");
    refuseOtherTenancy(applied, plan.tenancy, workplace.configFile);
  }
  await refuseUntaggableStages(
    workplace,
    plan.stages.map(({ stage }) => stage),
  );
  if (mayAsk(options)) {
    for (const stage of plan.stages) {
      const predicted = await predictionOf(workplace, stage.stage, digestOf([stage]), options);
      process.stderr.write(showStageScreen(workplace, stage, snapshot, predicted));
    }
  }
  await confirm(options, {
    question: `Run ${wanted.join(", ")} on ${snapshot.server.database}?`,
    database: snapshot.server.database,
    target: workplace.target,
  });
  return plan.notices;
}

/**
 * The stages to run: all that are not applied, or the one named once those before it are.
 * @throws AppError STAGE_OUT_OF_ORDER or STAGE_ALREADY_APPLIED
 */
export async function stagesToRun(
  { session }: Workplace,
  named: StageName | undefined,
): Promise<readonly StageName[]> {
  const runs = await readRuns(session);
  const applied = (stage: StageName) =>
    runs.some((one) => one.stage === stage && one.state === "applied");
  const left = stages.map(({ name }) => name).filter((stage) => !applied(stage));
  const [next] = left;
  if (next === undefined || (named !== undefined && applied(named))) {
    throw new AppError({
      code: "STAGE_ALREADY_APPLIED",
      object: named ?? "every stage",
      fault: "is applied already",
      state: "nothing was changed",
      next: `tenantry --stage ${named ?? "day3"} --verify asks whether it holds`,
    });
  }
  if (named === undefined) return left;
  if (named !== next) {
    throw new AppError({
      code: "STAGE_OUT_OF_ORDER",
      object: named,
      fault: `${next} is not applied, and ${named} stands on it`,
      state: "nothing was changed",
      next: `tenantry run --stage ${next}`,
    });
  }
  return [named];
}

async function runOne(
  writing: WritingWorkplace,
  stage: StageName,
  options: RunOptions,
): Promise<void> {
  const resumed = (await runInForce(writing.session, stage)) !== undefined;
  for (;;) {
    try {
      await attemptStage(writing, stage, options);
      return;
    } catch (error) {
      const decision = await decide(writing, stage, error, {
        interactive: mayAsk(options),
        resumed,
      });
      if (decision === "retry") continue;
      if (decision === "stop") throw error;
      throw await rolledBack(writing, stage, error, resumed);
    }
  }
}

/** Goes on with the stage where it is under way; else plans it on the database as it is now. */
async function attemptStage(
  writing: WritingWorkplace,
  stage: StageName,
  options: RunOptions,
): Promise<void> {
  const context = { ...writing, online: writing.settings.online };
  const existing = await runInForce(writing.session, stage);
  if (existing !== undefined) {
    refuseUnlessUnderWay(existing);
    return resumeStage(context, existing);
  }
  await runStage(context, await planAndBegin(writing, stage, options));
}

/** The plan is let go with this, before the steps run: that of a thousand tables has 25 MB. */
async function planAndBegin(
  writing: WritingWorkplace,
  stage: StageName,
  options: RunOptions,
): Promise<BegunStage> {
  const context = { ...writing, online: writing.settings.online };
  const { plan, tenancy, digest, server, fingerprint } = await planAnew(writing, stage, options);
  return beginStage(context, {
    plan,
    tenancy,
    fingerprint,
    planDigest: digest,
    predicted: await predictionOf(writing, stage, digest, options),
    backUp: () => backUpStage(writing, plan, { server, fingerprint }, options),
  });
}

/** Plans a stage on the database as it is now; most of the snapshot is let go with this. */
async function planAnew(writing: WritingWorkplace, stage: StageName, options: RunOptions) {
  const { settings, configFile } = writing;
  const snapshot = await readSnapshotToPlan(writing);
  const definition = stages.filter(({ name }) => name === stage);
  const kept = await loadKept(writing, stage, options.attribution);
  const {
    stages: planned,
    digest,
    tenancy,
  } = planStages(settings, snapshot, definition, configFile, {
    kept,
    application: await applicationOf(writing, definition),
  });
  const [plan] = planned;
  if (plan === undefined) throw new Error(`there is no stage ${stage}`);
  const { server, fingerprint } = snapshot;
  return { plan, tenancy, digest, server, fingerprint };
}

/**
 * What Day 3 makes of the application; nothing for stages that leave it alone.
 * @throws AppError CODE_UNFENCED
 */
async function applicationOf(
  workplace: Workplace,
  planned: readonly Stage[],
): Promise<Application | undefined> {
  if (!planned.some(({ name }) => name === "day3")) return undefined;
  const application = await readApplication(workplace);
  if (application !== undefined) refuseUnfenced(workplace, application);
  return application;
}

async function loadKept(
  { session, target, emit }: WritingWorkplace,
  stage: StageName,
  attribution: string | undefined,
): Promise<Kept | undefined> {
  if (attribution === undefined) return undefined;
  const folder = path.resolve(attribution);
  const database = await readSystem(session);
  const kept = await readAttribution(folder, { stage, database });
  for (const { schema, name, kept: how } of kept.tables) {
    if (how.kind !== "no key") continue;
    const text = `nothing tells the rows of ${schema}.${name} apart: they go by their source`;
    emit({ kind: "notice", text });
  }
  return loadAttribution(target, folder, kept);
}

function refuseUnlessUnderWay(run: Run): void {
  if (run.state === "running") return;
  const applied = run.state === "applied";
  throw new AppError({
    code: applied ? "STAGE_ALREADY_APPLIED" : "STAGE_OUT_OF_ORDER",
    object: run.stage,
    fault: applied ? "is applied already" : "is being rolled back, and that was interrupted",
    state: "nothing was changed",
    next: applied
      ? `tenantry --stage ${run.stage} --verify asks whether it holds`
      : `tenantry rollback --stage ${run.stage} goes on with it`,
  });
}
