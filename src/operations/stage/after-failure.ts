import type { Settings } from "../../config/settings.ts";
import { AppError, type ErrorCode } from "../../errors.ts";
import { runInForce } from "../../journal/journal.ts";
import { explainRefusal } from "../../postgres/connection.ts";
import { refusedGuards } from "../../rollback/guards.ts";
import { rollBack } from "../../rollback/roll-back.ts";
import { commandOf, type RunName } from "../../steps/model/stage.ts";
import type { FailureDecision } from "../context/caller.ts";
import type { WritingWorkspace } from "../context/writing.ts";
import { emitNotCompared } from "./not-compared.ts";
import { saveAttribution } from "./save-attribution.ts";

/** What becomes of a stage that fails. */
export type OnFailure = NonNullable<Settings["online"]["onFailure"]>;

/** After these, the stage is resumed: there is nothing to undo, or no connection and no lease to undo it with. */
const resumable: readonly ErrorCode[] = [
  "INTERRUPTED",
  "CONNECTION_FAILED",
  "CONNECTION_LOST",
  "LEASE_LOST",
  "STAGE_ALREADY_APPLIED",
  "STAGE_OUT_OF_ORDER",
  "CONFIG_INVALID",
  "PROOF_BLOCKED",
];

/** The stage that failed. */
type Failed = {
  readonly stage: RunName;
  readonly error: unknown;
  /** Whether it was begun by an earlier command. */
  readonly resumed: boolean;
};

/**
 * What becomes of a stage that failed: what this run was told, else what the configuration says, else
 * the caller is asked, and where nobody can be asked it is rolled back. One that was begun by an earlier
 * command may have stood for days: then it is rolled back only where no guard refuses.
 */
export async function decideAfterFailure(
  { session, caller, emit, settings }: WritingWorkspace,
  { stage, error, resumed }: Failed,
  told: OnFailure | undefined,
): Promise<FailureDecision> {
  if (!(error instanceof AppError) || resumable.includes(error.code)) return "stop";
  const under = await runInForce(session, stage);
  if (under?.state !== "running") return "stop";
  const onFailure = told ?? settings.online.onFailure ?? "ask";
  if (onFailure === "stop") return "stop";
  const refusals = resumed ? await refusedGuards(session, [under]) : [];
  const { afterFailure } = caller.questions;
  if (onFailure === "ask" && afterFailure !== undefined) {
    return afterFailure({ stage, error, refusals });
  }
  if (refusals.length === 0) return "roll back";
  const reasons = refusals.map((line) => line.trim()).join("; ");
  emit({
    kind: "notice",
    text: `${stage} failed. It was begun earlier and is not rolled back, because: ${reasons}. To resume it: tenantry run. To roll it back despite this: tenantry rollback --despite-guards`,
  });
  return "stop";
}

/** Rolls the failed stage back. Returns an error with the reason of the failure and what was rolled back. */
export async function rollBackFailedStage(
  writing: WritingWorkspace,
  { stage, error, resumed }: Failed,
): Promise<unknown> {
  const under = await runInForce(writing.session, stage);
  if (under === undefined || !(error instanceof AppError)) return error;
  const failed = { code: error.code, object: error.object, fault: error.fault, cause: error };
  let differences: readonly string[];
  try {
    if (resumed) await saveAttribution(writing, under);
    await emitNotCompared(writing.session, writing.emit);
    differences = await rollBack(writing, under);
  } catch (stopped) {
    if (!(stopped instanceof AppError)) throw stopped;
    return new AppError({
      ...failed,
      details: [...error.details, `the rollback stopped at ${stopped.object}: ${stopped.fault}`],
      state: `${stage} is rolled back in part: ${stopped.state}`,
      next: `fix the cause, then continue the rollback: tenantry rollback --stage ${stage}; or go on with the stage: ${commandOf(stage)}`,
    });
  }
  return new AppError({
    ...failed,
    details: [...error.details, ...differences],
    state:
      differences.length === 0
        ? `${stage} was rolled back; the schema is as it was before it`
        : `${stage} was rolled back, and the schema differs from before as listed`,
    next: explainRefusal(error.cause)?.next ?? `fix the cause, then ${commandOf(stage)}`,
  });
}
