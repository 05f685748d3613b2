import { AppError } from "../errors.ts";
import type { Run } from "../journal/journal.ts";
import type { Session } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import { ask, isAnswered } from "../verify/checks.ts";

/**
 * The runs to undo, newest first.
 * @param wanted one stage, every stage, or by default the last one that was begun
 * @throws AppError NOTHING_TO_ROLL_BACK, or ROLLBACK_REFUSED where a later stage stands on the one named
 */
export function runsToUndo(
  runs: readonly Run[],
  wanted: StageName | "all" | "last",
): readonly Run[] {
  const inForce = runs.filter(({ state }) => state !== "rolled back").reverse();
  const [last] = inForce;
  if (last === undefined) {
    throw new AppError({
      code: "NOTHING_TO_ROLL_BACK",
      object: wanted === "all" || wanted === "last" ? "this database" : wanted,
      fault: "no stage is applied or under way",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  if (wanted === "all") return inForce;
  if (wanted === "last" || wanted === last.stage) return [last];
  const named = inForce.find(({ stage }) => stage === wanted);
  if (named === undefined) {
    throw new AppError({
      code: "NOTHING_TO_ROLL_BACK",
      object: wanted,
      fault: "is not applied",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: wanted,
    fault: `${last.stage} stands on it`,
    state: "nothing was changed",
    next: `tenantry rollback --stage ${last.stage} first, or tenantry rollback --all`,
  });
}

/** What the guards that were journaled with these runs say against undoing them. */
export async function refusedGuards(
  session: Session,
  runs: readonly Run[],
): Promise<readonly string[]> {
  const details: string[] = [];
  for (const run of runs) {
    // A rollback that was interrupted has asked them, or was told not to.
    if (run.state === "rolling back") continue;
    for (const guard of run.guards) {
      const [result] = await ask(session, [{ ...guard, lasting: false }]);
      if (result === undefined || result.violations.length === 0) continue;
      // Before its tables are there, a stage has nothing to guard.
      if (run.state !== "applied" && !isAnswered(result)) continue;
      details.push(`${run.stage}: ${guard.because}`, ...result.violations.map((row) => `  ${row}`));
    }
  }
  return details;
}

/**
 * Asks the guards that were journaled with the runs.
 * @throws AppError ROLLBACK_REFUSED with what speaks against undoing them
 */
export async function askGuards(session: Session, runs: readonly Run[]): Promise<void> {
  const details = await refusedGuards(session, runs);
  if (details.length === 0) return;
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: runs.map(({ stage }) => stage).join(", "),
    fault: "what speaks against undoing it is listed below",
    state: "nothing was changed",
    next: "tenantry rollback with --despite-guards, if that is meant",
    details,
  });
}
