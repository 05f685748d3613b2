import path from "node:path";
import { loadAttribution } from "../../attribution/load.ts";
import { readAttribution } from "../../attribution/manifest.ts";
import { readDatabaseIdentity } from "../../catalog/system-identifier.ts";
import { AppError } from "../../errors.ts";
import { type Run, runInForce } from "../../journal/journal.ts";
import { planStages } from "../../plan/plan.ts";
import { type BegunStage, beginStage, resumeStage, runStage } from "../../run/run-stage.ts";
import type { Application } from "../../steps/model/application.ts";
import type { Kept } from "../../steps/model/kept.ts";
import { commandOf, isLater, type RunName, type Stage } from "../../steps/model/stage.ts";
import type { VerifyBackupRequest } from "../backups/verify-backup.ts";
import { readSnapshotToPlan, type Workspace } from "../context/workspace.ts";
import type { WritingWorkspace } from "../context/writing.ts";
import { decideAfterFailure, type OnFailure, rollBackFailedStage } from "./after-failure.ts";
import { readApplication, refuseUnfenced } from "./application.ts";
import { backUpStage } from "./back-up-stage.ts";
import { readFunctions } from "./functions.ts";
import { predictionOf } from "./prediction.ts";

export type OneRunRequest = VerifyBackupRequest & {
  /** Restores each backup elsewhere before its stage begins. */
  readonly verifyBackup?: boolean;
  /** Runs a stage that failed in its rehearsal, too. */
  readonly despiteRehearsal?: boolean;
  /** A folder with what a rollback of the stage saved: row ownership is restored from it. */
  readonly attribution?: string | undefined;
  /** What becomes of a stage that fails, whatever the configuration says. */
  readonly onFailure?: OnFailure | undefined;
};

/** Runs or resumes one stage, or tables that came later; rolls back what fails, unless the caller decides otherwise. */
export async function runOne(
  writing: WritingWorkspace,
  definition: Stage<RunName>,
  request: OneRunRequest,
): Promise<void> {
  const stage = definition.name;
  const resumed = (await runInForce(writing.session, stage)) !== undefined;
  for (;;) {
    try {
      await attemptStage(writing, definition, request);
      return;
    } catch (error) {
      const failed = { stage, error, resumed };
      const decision = await decideAfterFailure(writing, failed, request.onFailure);
      if (decision === "retry") continue;
      if (decision === "stop") throw error;
      throw await rollBackFailedStage(writing, failed);
    }
  }
}

/** Resumes the stage where it is under way; else plans it on the database as it is now. */
async function attemptStage(
  writing: WritingWorkspace,
  definition: Stage<RunName>,
  request: OneRunRequest,
): Promise<void> {
  const existing = await runInForce(writing.session, definition.name);
  if (existing !== undefined) {
    refuseIfApplied(existing);
    return resumeStage(writing, existing);
  }
  await runStage(writing, await planAndBegin(writing, definition, request));
}

/** The plan is let go with this, before the steps run: that of a thousand tables has 25 MB. */
async function planAndBegin(
  writing: WritingWorkspace,
  definition: Stage<RunName>,
  request: OneRunRequest,
): Promise<BegunStage> {
  const { plan, tenancy, digest, server, fingerprint } = await planAnew(
    writing,
    definition,
    request,
  );
  return beginStage(writing, {
    plan,
    tenancy,
    fingerprint,
    planDigest: digest,
    predicted: await predictionOf(writing, definition.name, digest, request),
    backUp: () => backUpStage(writing, plan, { server, fingerprint }, request),
  });
}

/** Plans a stage on the database as it is now; most of the snapshot is let go with this. */
async function planAnew(
  writing: WritingWorkspace,
  definition: Stage<RunName>,
  request: OneRunRequest,
) {
  const { settings, configFile } = writing;
  const snapshot = await readSnapshotToPlan(writing);
  const kept = await loadKept(writing, definition.name, request.attribution);
  const application = await applicationOf(writing, [definition]);
  const functions = await readFunctions(writing, snapshot, [definition]);
  const context = { origin: configFile, kept, application, ...functions };
  const planned = planStages(settings, snapshot, [definition], context);
  const [plan] = planned.stages;
  if (plan === undefined) throw new Error(`there is no stage ${definition.name}`);
  const { digest, tenancy } = planned;
  const { server, fingerprint } = snapshot;
  return { plan, tenancy, digest, server, fingerprint };
}

/**
 * What Day 3 makes of the application; nothing for stages that leave it alone.
 * @throws AppError CODE_UNFENCED
 */
export async function applicationOf(
  workspace: Workspace,
  planned: readonly Stage<RunName>[],
): Promise<Application | undefined> {
  if (!planned.some(({ name }) => name === "day3")) return undefined;
  const application = await readApplication(workspace);
  if (application !== undefined) refuseUnfenced(workspace, application);
  return application;
}

async function loadKept(
  { session, target, emit }: WritingWorkspace,
  stage: RunName,
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

/** @throws AppError STAGE_ALREADY_APPLIED */
function refuseIfApplied({ stage, state }: Run): void {
  if (state !== "applied") return;
  throw new AppError({
    code: "STAGE_ALREADY_APPLIED",
    object: stage,
    fault: "is applied already",
    state: "nothing was changed",
    next: `to verify it: tenantry verify${isLater(stage) ? "" : ` ${stage}`}`,
  });
}

/** @throws AppError STAGE_OUT_OF_ORDER where another run was begun, and not ended */
export function refuseWhileUnfinished(runs: readonly Run[], wanted: readonly RunName[]): void {
  const run = runs.find(
    ({ state, stage }) =>
      (state === "running" || state === "rolling back") && !wanted.includes(stage),
  );
  if (run === undefined) return;
  const { stage, state } = run;
  throw new AppError({
    code: "STAGE_OUT_OF_ORDER",
    object: stage,
    fault:
      state === "running"
        ? "was begun and is not finished"
        : "is being rolled back, and that was interrupted",
    state: "nothing was changed",
    next:
      state === "running"
        ? `to resume it: ${commandOf(stage)}; to undo it: tenantry rollback --stage ${stage}`
        : `to continue the rollback: tenantry rollback --stage ${stage}; to go on with the stage: ${commandOf(stage)}`,
  });
}
