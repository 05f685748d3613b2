import path from "node:path";
import { stages } from "../../stages/index.ts";
import { loadAttribution } from "../attribution/load.ts";
import { readAttribution } from "../attribution/manifest.ts";
import type { Snapshot } from "../catalog/snapshot.ts";
import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import { AppError } from "../errors.ts";
import { type NewRun, type Run, readRuns, runInForce } from "../journal/journal.ts";
import { digestOf, planStages, type StagePlan } from "../plan/plan.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import { listTables } from "../plan/summary.ts";
import { targetParts } from "../postgres/connection.ts";
import { type BegunStage, beginStage, resumeStage, runStage } from "../run/run-stage.ts";
import type { Application } from "../steps/model/application.ts";
import type { Kept } from "../steps/model/kept.ts";
import type { Stage, StageName } from "../steps/model/stage.ts";
import type { PlannedStage } from "./context/caller.ts";
import { fromConfig, readSnapshotToPlan, type Workspace } from "./context/workspace.ts";
import { type WritingWorkspace, whileWriting } from "./context/writing.ts";
import { decideAfterFailure, rollBackFailedStage } from "./stage/after-failure.ts";
import { readApplication, refuseUnfenced } from "./stage/application.ts";
import { backUpStage, refuseUntaggableStages } from "./stage/back-up-stage.ts";
import { countCrossingRows } from "./stage/crossing-rows.ts";
import { readFunctions } from "./stage/functions.ts";
import { predictionOf } from "./stage/prediction.ts";
import { waysAround } from "./stage/ways-around.ts";
import type { VerifyBackupRequest } from "./verify-backup.ts";

export type RunRequest = VerifyBackupRequest & {
  /** One stage; else all that are left. */
  readonly stage?: StageName | undefined;
  /** Restores each backup elsewhere before its stage begins. */
  readonly verifyBackup?: boolean;
  /** Runs a stage that failed in its rehearsal, too. */
  readonly despiteRehearsal?: boolean;
  /** A folder with what a rollback of the stage saved: row ownership is restored from it. */
  readonly attribution?: string | undefined;
};

/** The stages that a run applied, in order. */
export type RunResult = { readonly applied: readonly StageName[] };

/**
 * Runs the stages that are left, or the one named: backup, git tag, steps, verification. A stage that
 * is under way is resumed where it stopped.
 * @throws AppError; a stage that failed is rolled back unless the caller decides otherwise
 */
export async function runStages(
  workspace: Workspace,
  request: RunRequest = {},
): Promise<RunResult> {
  const notices = await planAndConfirm(workspace, request);
  return whileWriting(workspace, "run", async (writing) => {
    for (const text of notices) writing.emit({ kind: "notice", text });
    // Asked again under the lease: another run may have ended meanwhile.
    const applied = await stagesToRun(workspace, request.stage);
    for (const stage of applied) await runOne(writing, stage, request);
    return { applied };
  });
}

/**
 * Plans what is to be run, and has it confirmed. The plan and the snapshot are let go with this: each
 * stage is planned again when its turn comes.
 * @returns notices of the plan
 */
async function planAndConfirm(
  workspace: Workspace,
  request: RunRequest,
): Promise<readonly string[]> {
  const { settings, configFile, target, session, caller } = workspace;
  const wanted = await stagesToRun(workspace, request.stage);
  const snapshot = await readSnapshotToPlan(workspace);
  // A stage under way continues as it was journaled, even if the configuration has changed.
  const runs = await readRuns(session);
  const begun = runs.filter(({ stage }) => wanted.includes(stage));
  for (const one of begun) if (one.state === "rolling back") refuseUnlessUnderWay(one);
  const underway = begun.filter(({ state }) => state === "running").map(({ stage }) => stage);
  // A plan that does not fit the database is refused before a question, and before a backup.
  const anew = stages.filter(({ name }) => wanted.includes(name) && !underway.includes(name));
  const application = await applicationOf(workspace, anew);
  const functions = await readFunctions(workspace, snapshot, anew);
  const context = { origin: configFile, application, ...functions };
  const plan = planStages(settings, snapshot, anew, context);
  if (plan.stages.length > 0) {
    const applied = runs.filter(({ state }) => state === "applied");
    refuseOtherTenancy(applied, plan.tenancy, configFile);
  }
  await refuseUntaggableStages(
    workspace,
    plan.stages.map(({ stage }) => stage),
  );
  // What a rollback saved overrides the sources: then the end of the stage tells.
  const counted = request.attribution === undefined ? anew : [];
  const crossing = await countCrossingRows(workspace, snapshot, counted);
  const planned: PlannedStage[] = [];
  for (const stage of plan.stages) {
    const predicted = await predictionOf(workspace, stage.stage, digestOf([stage]), request);
    planned.push(describeStage(workspace, stage, { snapshot, predicted, crossing }));
  }
  const { database, databaseBytes } = snapshot.server;
  await caller.questions.confirm({
    kind: "run",
    wanted,
    stages: planned,
    around: await waysAround(workspace, wanted),
    database,
    host: targetParts(target).host,
    databaseBytes,
    backups: fromConfig(workspace, settings.backups.folder),
    repository: fromConfig(workspace, settings.git.repository),
    lockTimeoutInMilliseconds: settings.online.lockTimeoutInMilliseconds,
  });
  return [...plan.notices, ...crossing];
}

function describeStage(
  workspace: Workspace,
  plan: StagePlan,
  {
    snapshot,
    predicted,
    crossing,
  }: {
    readonly snapshot: Snapshot;
    readonly predicted: NewRun["predicted"];
    readonly crossing: readonly string[];
  },
): PlannedStage {
  const { stage, title, steps } = plan;
  const step = steps.find((one) => one.mode === "application");
  const measured = Object.values(predicted);
  return {
    stage,
    title,
    tables: listTables(plan, snapshot, predicted),
    crossing,
    application:
      step === undefined
        ? undefined
        : {
            folder: fromConfig(workspace, workspace.settings.code.folder),
            changed: step.changes.map(({ file }) => file),
            gates: step.gates.map(({ name }) => name),
          },
    milliseconds:
      measured.length === 0
        ? undefined
        : measured.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}

/**
 * The stages to run: all that are not applied, or the one named once those before it are.
 * @throws AppError STAGE_OUT_OF_ORDER or STAGE_ALREADY_APPLIED
 */
export async function stagesToRun(
  { session }: Pick<Workspace, "session">,
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
      next: `to verify it: tenantry verify ${named ?? "day3"}`,
    });
  }
  if (named === undefined) return left;
  if (named !== next) {
    throw new AppError({
      code: "STAGE_OUT_OF_ORDER",
      object: named,
      fault: `${next} is not applied, and ${named} depends on it`,
      state: "nothing was changed",
      next: `tenantry run --stage ${next}`,
    });
  }
  return [named];
}

async function runOne(
  writing: WritingWorkspace,
  stage: StageName,
  request: RunRequest,
): Promise<void> {
  const resumed = (await runInForce(writing.session, stage)) !== undefined;
  for (;;) {
    try {
      await attemptStage(writing, stage, request);
      return;
    } catch (error) {
      const decision = await decideAfterFailure(writing, stage, error, resumed);
      if (decision === "retry") continue;
      if (decision === "stop") throw error;
      throw await rollBackFailedStage(writing, stage, error, resumed);
    }
  }
}

/** Resumes the stage where it is under way; else plans it on the database as it is now. */
async function attemptStage(
  writing: WritingWorkspace,
  stage: StageName,
  request: RunRequest,
): Promise<void> {
  const existing = await runInForce(writing.session, stage);
  if (existing !== undefined) {
    refuseUnlessUnderWay(existing);
    return resumeStage(writing, existing);
  }
  await runStage(writing, await planAndBegin(writing, stage, request));
}

/** The plan is let go with this, before the steps run: that of a thousand tables has 25 MB. */
async function planAndBegin(
  writing: WritingWorkspace,
  stage: StageName,
  request: RunRequest,
): Promise<BegunStage> {
  const { plan, tenancy, digest, server, fingerprint } = await planAnew(writing, stage, request);
  return beginStage(writing, {
    plan,
    tenancy,
    fingerprint,
    planDigest: digest,
    predicted: await predictionOf(writing, stage, digest, request),
    backUp: () => backUpStage(writing, plan, { server, fingerprint }, request),
  });
}

/** Plans a stage on the database as it is now; most of the snapshot is let go with this. */
async function planAnew(writing: WritingWorkspace, stage: StageName, request: RunRequest) {
  const { settings, configFile } = writing;
  const snapshot = await readSnapshotToPlan(writing);
  const definition = stages.filter(({ name }) => name === stage);
  const kept = await loadKept(writing, stage, request.attribution);
  const application = await applicationOf(writing, definition);
  const functions = await readFunctions(writing, snapshot, definition);
  const context = { origin: configFile, kept, application, ...functions };
  const planned = planStages(settings, snapshot, definition, context);
  const [plan] = planned.stages;
  if (plan === undefined) throw new Error(`there is no stage ${stage}`);
  const { digest, tenancy } = planned;
  const { server, fingerprint } = snapshot;
  return { plan, tenancy, digest, server, fingerprint };
}

/**
 * What Day 3 makes of the application; nothing for stages that leave it alone.
 * @throws AppError CODE_UNFENCED
 */
async function applicationOf(
  workspace: Workspace,
  planned: readonly Stage[],
): Promise<Application | undefined> {
  if (!planned.some(({ name }) => name === "day3")) return undefined;
  const application = await readApplication(workspace);
  if (application !== undefined) refuseUnfenced(workspace, application);
  return application;
}

async function loadKept(
  { session, target, emit }: WritingWorkspace,
  stage: StageName,
  attribution: string | undefined,
): Promise<Kept | undefined> {
  if (attribution === undefined) return undefined;
  const folder = path.resolve(attribution);
  const database = await readDatabaseIdentity(session);
  const kept = await readAttribution(folder, { stage, database });
  for (const { schema, name, kept: how } of kept.tables) {
    if (how.kind !== "no key") continue;
    const text = `${schema}.${name} has no key: its rows go by their source`;
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
      ? `to verify it: tenantry verify ${run.stage}`
      : `to continue the rollback: tenantry rollback --stage ${run.stage}`,
  });
}
