import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import type { CheckResult, StageVerification } from "../events/verification.ts";
import { readFencedTables } from "../journal/fenced-tables.ts";
import { laterRuns, readRuns, runInForce } from "../journal/journal.ts";
import { fenceCommand, newTables } from "../plan/new-tables.ts";
import { commandOf, isLater, type StageName } from "../steps/model/stage.ts";
import { verifyStage as proveStage, verificationError } from "../verify/stage.ts";
import { interruptible } from "./context/interruptible.ts";
import type { Workspace } from "./context/workspace.ts";
import { withCopy } from "./copy/copy.ts";
import { verifyApplication } from "./stage/application.ts";
import { readCalls } from "./stage/functions.ts";

export type VerifyRequest = {
  /** One stage; else the last that is applied. */
  readonly stage?: StageName | undefined;
  /** On a restored backup, so that nothing is tried on the database itself. */
  readonly onClone?: boolean;
  /** A server to restore into, instead of one that is started here. */
  readonly scratch?: string | undefined;
};

export type VerifyResult = {
  readonly stage: StageName;
  readonly verification: StageVerification;
  /** Why the stage does not hold; undefined where it does. */
  readonly failure: AppError | undefined;
};

/**
 * Verifies a stage that is applied. What it writes, it writes in transactions that it rolls back.
 * @throws AppError PROOF_BLOCKED where locks kept it from trying
 */
export async function verifyStage(
  workspace: Workspace,
  request: VerifyRequest,
): Promise<VerifyResult> {
  const stage = request.stage ?? (await lastApplied(workspace));
  if (request.onClone !== true) return verifyHere(workspace, stage);
  const state = "nothing was changed: it was on a clone";
  return interruptible(workspace.caller, { what: "the verification", state }, (signal) =>
    withCopy({ workspace, what: "clone", signal, scratch: request.scratch }, (clone) =>
      verifyHere(clone.workspace, stage),
    ),
  );
}

async function lastApplied({ session }: Workspace): Promise<StageName> {
  const runs = (await readRuns(session)).filter(({ state }) => state === "applied");
  const applied = runs.flatMap(({ stage }) => (isLater(stage) ? [] : [stage])).at(-1);
  if (applied !== undefined) return applied;
  throw new AppError({
    code: "VERIFICATION_FAILED",
    object: "this database",
    fault: "no stage is applied",
    state: "nothing was changed",
    next: "tenantry run --stage day1",
  });
}

async function verifyHere(workspace: Workspace, stage: StageName): Promise<VerifyResult> {
  const { session, settings, caller } = workspace;
  const run = await runInForce(session, stage);
  if (run?.state !== "applied") {
    const fault = run === undefined ? "is not applied" : `is ${run.state}, not applied`;
    return notApplied(stage, fault);
  }
  const { emit } = caller;
  const reach = workspace.planAs === undefined ? "and around it" : "and around it, on a clone";
  const later = laterRuns(await readRuns(session)).filter(({ state }) => state === "applied");
  const proven = await proveStage(session, {
    settings,
    run,
    later,
    reach,
    emit,
    readCalls: () => readCalls(settings, workspace.folder),
  });
  const verified = {
    ...proven,
    criteria: [...proven.criteria, await everyTableIsFenced(workspace)],
  };
  const application = stage === "day3" ? await verifyApplication(workspace) : undefined;
  const verification =
    application === undefined
      ? verified
      : { ...verified, criteria: [...verified.criteria, application] };
  const failure = verificationError(stage, verification, {
    state: "nothing was changed",
    demanded: "everything",
  });
  return { stage, verification, failure };
}

/** A table that the configuration names is not fenced by that: its stage may have been run before. */
async function everyTableIsFenced({ session, settings }: Workspace): Promise<CheckResult> {
  const runs = await readRuns(session);
  const found = newTables(
    settings,
    await readSnapshot(session),
    await readFencedTables(session),
  ).filter(({ stage }) => runs.some((run) => run.stage === stage && run.state === "applied"));
  const unfinished = laterRuns(runs).filter(({ state }) => state !== "applied");
  return {
    claim: "every table that the configuration names is fenced",
    violations: [
      ...found.map(
        (table) =>
          `${table.label} is named in ${table.setting}, and no applied stage has fenced it; ${fenceCommand([table])}`,
      ),
      ...unfinished.map(
        ({ stage, state }) =>
          `${stage} is ${state}, not applied; ${state === "running" ? commandOf(stage) : `tenantry rollback --stage ${stage}`}`,
      ),
    ],
  };
}

function notApplied(stage: StageName, fault: string): VerifyResult {
  const claim = { claim: `${stage} is applied`, violations: [`${stage} ${fault}`] };
  return {
    stage,
    verification: { checks: [claim], isolation: [], criteria: [], findings: [] },
    failure: new AppError({
      code: "VERIFICATION_FAILED",
      object: stage,
      fault,
      state: "nothing was changed",
      next: `tenantry run --stage ${stage}`,
    }),
  };
}
