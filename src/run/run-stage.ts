import { MigrationError } from "umzug";
import { dropLoaded } from "../attribution/load.ts";
import { readFenceState } from "../catalog/fence/state.ts";
import type { Fingerprint } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import { AppError, messageOf } from "../errors.ts";
import { stepAhead } from "../events/events.ts";
import type { Finding } from "../events/finding.ts";
import { type StageVerification, standingOf } from "../events/verification.ts";
import { readRecordedFenceState, recordFenceState } from "../journal/fence-states.ts";
import {
  beginRun,
  type NewRun,
  type Run,
  readRuns,
  recordFingerprintAfter,
  runInForce,
  setRunState,
} from "../journal/journal.ts";
import { holdLease } from "../journal/lease.ts";
import { markPending } from "../journal/step-marks.ts";
import { eachStep, verifySteps } from "../journal/steps.ts";
import { counted } from "../number-formats.ts";
import type { Plan, StagePlan } from "../plan/plan.ts";
import type { Queries } from "../postgres/connection.ts";
import type { RunName } from "../steps/model/stage.ts";
import type { StepOutline } from "../steps/model/step.ts";
import { driftBefore } from "../verify/drift/drift.ts";
import { fenceScope } from "../verify/drift/scope.ts";
import { verificationError, verifyStage } from "../verify/stage.ts";
import { version } from "../version.ts";
import type { RunContext } from "./context.ts";
import { estimateSteps } from "./estimate.ts";
import { persevere } from "./persevere.ts";
import { runSteps } from "./run-steps.ts";

/** The result of the backup before a stage. */
export type BackupFacts = {
  readonly folder: string;
  readonly bytes: number;
  readonly gitTag: string | null;
  /** Whether the tag was created and pushed, in words. */
  readonly tag: string;
};

export type NewStage = {
  readonly plan: StagePlan;
  readonly tenancy: Plan["tenancy"];
  readonly planDigest: string;
  readonly fingerprint: Fingerprint;
  /** What a rehearsal measured of its steps, by their ids. */
  readonly predicted: NewRun["predicted"];
  readonly backUp: () => Promise<BackupFacts>;
};

type StageContext = Omit<RunContext, "runId"> & {
  readonly settings: Settings;
  /** What was open around the fence before the run, by the rule that finds it. */
  readonly around?: Readonly<Record<string, number>>;
};

/** A stage with its backup made and its steps journaled: the plan is not needed any more. */
export type BegunStage = {
  readonly run: Run;
  readonly leavesOut: readonly string[];
  readonly startedAt: number;
};

/** Begins a stage: makes its backup and journals its steps. Nothing else in the database changes yet. */
export async function beginStage(context: StageContext, stage: NewStage): Promise<BegunStage> {
  const startedAt = performance.now();
  const { plan } = stage;
  const predicted = Object.entries(stage.predicted).map(
    ([id, { milliseconds }]) => [id, milliseconds] as const,
  );
  await announce(context, plan, { steps: plan.steps, predicted, resumed: false });
  const run = await begin(context, stage);
  return { run, leavesOut: plan.leavesOut, startedAt };
}

/**
 * Runs the steps of a stage that is begun, and verifies it.
 * @throws AppError; the journal has the state of the stage then
 */
export async function runStage(
  context: StageContext,
  { run, leavesOut, startedAt }: BegunStage,
): Promise<void> {
  await carryOut(context, run, startedAt);
  for (const text of leavesOut) context.emit({ kind: "notice", text });
}

/**
 * Resumes a stage that was stopped or killed, also in its rollback, as it was journaled: its backup is
 * made, and later changes to the configuration have no effect.
 */
export async function resumeStage(context: StageContext, run: Run): Promise<void> {
  const started = performance.now();
  if (run.state === "rolling back") await turnForward(context, run);
  await announceLeft(context, run);
  await carryOut(context, run, started);
}

/**
 * Lets a stage continue forward whose rollback stopped: the steps that it undid are run again. Nothing
 * is left of what the rollback had built for the step that it stopped at.
 */
async function turnForward({ session, lease, emit }: StageContext, run: Run): Promise<void> {
  for await (const { definition, state } of eachStep(session, run.id)) {
    const { down } = definition;
    if (state !== "applied" || down.kind !== "exact" || down.prepare === undefined) continue;
    await holdLease(session, lease.token);
    await session.execute(down.prepare.clean);
  }
  const undone = await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await setRunState(queries, run.id, "running");
    return markPending(queries, run.id);
  });
  const text = `the rollback of ${run.stage} had stopped: going on with ${run.stage}, and with the ${counted(undone, "step")} that it had undone`;
  emit({ kind: "notice", text });
}

/** @throws AppError JOURNAL_INCOMPATIBLE where one of the journaled steps cannot be run */
async function announceLeft(context: StageContext, run: Run): Promise<void> {
  const steps = (await verifySteps(context.session, run.id)).filter(
    // A step that is applied and not verified is verified first.
    ({ state, verified }) => state !== "applied" || !verified,
  );
  const predicted = steps.flatMap(({ definition, predictedMilliseconds }) =>
    predictedMilliseconds === null ? [] : [[definition.id, predictedMilliseconds] as const],
  );
  const left = steps.map(({ definition }) => definition);
  await announce(context, run, { steps: left, predicted, resumed: true });
}

async function announce(
  { session, emit, online }: StageContext,
  { stage, title }: { readonly stage: RunName; readonly title: string },
  left: {
    readonly steps: readonly StepOutline[];
    readonly predicted: readonly (readonly [id: string, milliseconds: number])[];
    readonly resumed: boolean;
  },
): Promise<void> {
  // A rehearsal has measured this very plan; sizes are an estimate.
  const expected =
    left.predicted.length > 0 ? left.predicted : await estimateSteps(session, left.steps);
  emit({
    kind: "stage-started",
    stage,
    title,
    steps: left.steps.map(stepAhead),
    tablesAtOnce: online.tablesAtOnce,
    resumed: left.resumed,
    predictedMilliseconds: Object.fromEntries(expected),
  });
}

async function carryOut(context: StageContext, run: Run, started: number): Promise<void> {
  const { emit } = context;
  const { stage } = run;
  let verification: StageVerification;
  try {
    await runSteps({ ...context, runId: run.id });
    const what = `the verification of ${stage}`;
    verification = await persevere(context, what, () => verify(context, run));
    await persevere(context, `the end of ${stage}`, () => finish(context, run));
  } catch (thrown) {
    // umzug wraps what a step throws.
    const error = thrown instanceof MigrationError ? thrown.cause : thrown;
    emit({
      kind: "stage-failed",
      stage,
      code: error instanceof AppError ? error.code : "INTERNAL",
      message: messageOf(error),
    });
    throw error;
  }
  const { hold, claims } = standingOf(verification);
  emit({
    kind: "stage-applied",
    stage,
    milliseconds: Math.round(performance.now() - started),
    claims: { hold, of: claims },
    around: context.around ?? {},
  });
}

/** Journals the end of a stage, with the schema and the fence as they are then. */
async function finish({ session, lease, settings }: StageContext, run: Run): Promise<void> {
  const { fingerprint } = await readSnapshot(session);
  const before = (await readRuns(session)).filter(({ state }) => state === "applied");
  const scope = await fenceScope(session, settings, [...before, run]);
  const state = await readFenceState(session, scope);
  const changes = (await readRecordedFenceState(session, run.id))?.changes ?? [];
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await recordFingerprintAfter(queries, run.id, fingerprint);
    await recordFenceState(queries, { runId: run.id, state, changes });
    await setRunState(queries, run.id, "applied");
    await dropLoaded(queries);
  });
}

async function begin(
  { session, emit, lease, settings }: StageContext,
  { plan, tenancy, planDigest, fingerprint, predicted, backUp }: NewStage,
): Promise<Run> {
  emit({ kind: "backup-started", stage: plan.stage });
  const { folder, bytes, gitTag, tag } = await backUp();
  emit({ kind: "backup-finished", stage: plan.stage, folder, bytes, tag });
  const changes = await driftBefore(session, settings, plan.stage);
  for (const { object, fact, fix } of changes) {
    const text = `${object}: ${fact}, and nobody has accepted it: ${fix}`;
    emit({ kind: "notice", text });
  }
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    const runId = await beginRun(queries, {
      ...plan,
      fences: [...plan.fences],
      personas: [...plan.personas],
      criteria: [...plan.criteria],
      guards: [...plan.guards],
      tenancy,
      planDigest,
      fingerprint,
      predicted,
      tenantryVersion: version,
      backupFolder: folder,
      gitTag,
    });
    await keepChanges(queries, runId, changes);
  });
  const run = await runInForce(session, plan.stage);
  if (run === undefined) throw new Error(`the journal lost the run of ${plan.stage}`);
  return run;
}

/** What changed before the stage stays known when it ends, or is resumed. */
async function keepChanges(
  queries: Queries,
  runId: number,
  changes: readonly Finding[],
): Promise<void> {
  if (changes.length === 0) return;
  const before = (await readRuns(queries)).findLast(({ state }) => state === "applied");
  const recorded =
    before === undefined ? undefined : await readRecordedFenceState(queries, before.id);
  if (recorded === undefined) throw new Error("the journal lost the state that changed");
  await recordFenceState(queries, { runId, state: recorded.state, changes });
}

async function verify(
  { session, emit, settings }: StageContext,
  run: Run,
): Promise<StageVerification> {
  const { stage } = run;
  emit({ kind: "proof-started", stage });
  const verification = await verifyStage(session, { settings, run, reach: "the fence", emit });
  emit({ kind: "stage-verified", stage, verification });
  const state = "all steps are applied, but the stage is not complete";
  const error = verificationError(stage, verification, { state, demanded: "claims" });
  if (error !== undefined) throw error;
  return verification;
}
