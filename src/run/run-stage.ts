import { MigrationError } from "umzug";
import type { Fingerprint } from "../catalog/fingerprint.ts";
import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import { beginRun, type Run, readSteps, runInForce, setRunState } from "../journal/journal.ts";
import { holdLease } from "../journal/lease.ts";
import type { Plan, StagePlan } from "../plan/plan.ts";
import { stepFacts } from "../report/events.ts";
import { verificationError, verifyStage } from "../verify/stage.ts";
import { version } from "../version.ts";
import type { RunContext } from "./context.ts";
import { runSteps } from "./run-steps.ts";

/** What backing up before a stage gives. */
export type BackupFacts = {
  readonly folder: string;
  readonly bytes: number;
  readonly gitTag: string | null;
  /** What became of the tag, in words. */
  readonly tag: string;
};

export type StageRun = {
  readonly plan: StagePlan;
  readonly tenancy: Plan["tenancy"];
  readonly planDigest: string;
  readonly settings: Settings;
  readonly fingerprint: Fingerprint;
  /** Backs up and tags; called for a new run only: a resumed one has its backup. */
  readonly backUp: () => Promise<BackupFacts>;
};

/**
 * Runs a stage, or goes on with one that was stopped: backup, steps, verification.
 * @throws AppError; whatever is thrown, the journal says where the stage stands
 */
export async function runStage(
  context: Omit<RunContext, "runId">,
  stageRun: StageRun,
): Promise<void> {
  const { session, emit } = context;
  const { plan } = stageRun;
  const started = performance.now();
  const existing = await runInForce(session, plan.stage);
  refuseUnlessRunnable(existing);

  const steps =
    existing === undefined
      ? plan.steps
      : (await readSteps(session, existing.id)).map(({ definition }) => definition);
  emit({
    kind: "stage-started",
    stage: plan.stage,
    title: plan.title,
    steps: steps.map(stepFacts),
    resumed: existing !== undefined,
  });
  const run = existing ?? (await begin(context, stageRun));
  try {
    await runSteps({ ...context, runId: run.id });
    await verify(context, stageRun, run);
  } catch (thrown) {
    // umzug wraps what a step throws.
    const error = thrown instanceof MigrationError ? thrown.cause : thrown;
    emit({
      kind: "stage-failed",
      stage: plan.stage,
      code: error instanceof AppError ? error.code : "INTERNAL",
      message: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
  await session.transaction(async (queries) => {
    await holdLease(queries, context.lease.token);
    await setRunState(queries, run.id, "applied");
  });
  emit({
    kind: "stage-applied",
    stage: plan.stage,
    milliseconds: Math.round(performance.now() - started),
  });
  for (const text of plan.leavesOut) emit({ kind: "notice", text });
}

function refuseUnlessRunnable(existing: Run | undefined): void {
  if (existing === undefined || existing.state === "running") return;
  const applied = existing.state === "applied";
  throw new AppError({
    code: applied ? "STAGE_ALREADY_APPLIED" : "STAGE_OUT_OF_ORDER",
    object: existing.stage,
    fault: applied ? "is applied already" : "is being rolled back, and that was interrupted",
    state: "nothing was changed",
    next: applied
      ? `tenantry --stage ${existing.stage} --verify asks whether it holds`
      : `tenantry rollback --stage ${existing.stage} goes on with it`,
  });
}

async function begin(context: Omit<RunContext, "runId">, stageRun: StageRun): Promise<Run> {
  const { session, emit, lease } = context;
  const { plan, planDigest, fingerprint } = stageRun;
  emit({ kind: "backup-started", stage: plan.stage });
  const backup = await stageRun.backUp();
  emit({
    kind: "backup-finished",
    stage: plan.stage,
    folder: backup.folder,
    bytes: backup.bytes,
    tag: backup.tag,
  });
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await beginRun(queries, {
      ...plan,
      fences: [...plan.fences],
      personas: [...plan.personas],
      criteria: [...plan.criteria],
      guards: [...plan.guards],
      planDigest,
      fingerprint,
      tenantryVersion: version,
      backupFolder: backup.folder,
      gitTag: backup.gitTag,
    });
  });
  const run = await runInForce(session, plan.stage);
  if (run === undefined) throw new Error(`the journal lost the run of ${plan.stage}`);
  return run;
}

async function verify(
  { session, emit }: Omit<RunContext, "runId">,
  { settings, tenancy, plan }: StageRun,
  run: Run,
): Promise<void> {
  emit({ kind: "proof-started", stage: plan.stage });
  const verification = await verifyStage(session, settings, tenancy, run);
  emit({ kind: "stage-verified", stage: plan.stage, verification });
  const error = verificationError(
    plan.stage,
    verification,
    "all steps are applied, and the stage is not complete",
  );
  if (error !== undefined) throw error;
}
