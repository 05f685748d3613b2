import { AppError } from "../errors.ts";
import type { Run } from "../journal/journal.ts";
import type { Session } from "../postgres/connection.ts";
import { isLater, type RunName } from "../steps/model/stage.ts";
import { ask, isAnswered } from "../verify/checks.ts";

/**
 * The runs to undo, newest first: with a stage, the tables that came after it.
 * @param wanted one run, every run, or by default the last one that was begun
 * @throws AppError NOTHING_TO_ROLL_BACK, or ROLLBACK_REFUSED where a later stage must be undone first
 */
export function runsToUndo(runs: readonly Run[], wanted: RunName | "all" | "last"): readonly Run[] {
  const inForce = runs.filter(({ state }) => state !== "rolled back").reverse();
  const [last] = inForce;
  if (last === undefined) {
    throw new AppError({
      code: "NOTHING_TO_ROLL_BACK",
      object: wanted === "all" || wanted === "last" ? "this database" : wanted,
      fault: "no stage is applied or running",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  if (wanted === "all") return inForce;
  if (wanted === "last" || wanted === last.stage) return [last];
  const place = inForce.findIndex(({ stage }) => stage === wanted);
  if (place < 0) {
    throw new AppError({
      code: "NOTHING_TO_ROLL_BACK",
      object: wanted,
      fault: "is not applied",
      state: "nothing was changed",
      next: "tenantry status",
    });
  }
  const after = inForce.slice(0, place);
  if (after.every(({ stage }) => isLater(stage))) return inForce.slice(0, place + 1);
  const [first] = after.filter(({ stage }) => !isLater(stage));
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: wanted,
    fault: `${first?.stage ?? last.stage} is applied, and must be rolled back first`,
    state: "nothing was changed",
    next: `tenantry rollback --stage ${first?.stage ?? last.stage}, or tenantry rollback --all`,
  });
}

/** Asks the guards that were journaled with these runs: why they must not be undone; none where they may be. */
export async function refusedGuards(
  session: Session,
  runs: readonly Run[],
): Promise<readonly string[]> {
  const details: string[] = [];
  for (const run of runs) {
    // A rollback that was interrupted asked them when it began, or --despite-guards was given.
    if (run.state === "rolling back") continue;
    for (const guard of run.guards) {
      const [result] = await ask(session, [{ ...guard, lasting: false }]);
      if (result === undefined || result.violations.length === 0) continue;
      // A guard of a stage that is not applied may ask tables that do not exist yet.
      if (run.state !== "applied" && !isAnswered(result)) continue;
      details.push(`${run.stage}: ${guard.because}`, ...result.violations.map((row) => `  ${row}`));
    }
  }
  return details;
}

/**
 * Asks the guards that were journaled with the runs.
 * @throws AppError ROLLBACK_REFUSED with the reasons
 */
export async function askGuards(session: Session, runs: readonly Run[]): Promise<void> {
  const details = await refusedGuards(session, runs);
  if (details.length === 0) return;
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: runs.map(({ stage }) => stage).join(", "),
    fault: "rollback refused, because:",
    state: "nothing was changed",
    next: "to roll back all the same: tenantry rollback --despite-guards",
    details,
  });
}
