import { AppError } from "../errors.ts";
import { type Run, readFingerprintBefore, readRuns } from "../journal/journal.ts";
import { readSteps, verifySteps } from "../journal/steps.ts";
import { type Session, targetParts } from "../postgres/connection.ts";
import { refuseForeignDependents } from "../rollback/dependents.ts";
import { askGuards, runsToUndo } from "../rollback/guards.ts";
import { rollBack } from "../rollback/roll-back.ts";
import { rollbackScript } from "../rollback/script.ts";
import type { StageName } from "../steps/stage.ts";
import { confirm } from "./confirm.ts";
import { keepWhatIsLost } from "./keep-attribution.ts";
import { sayNotCompared } from "./not-compared.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, whileWriting, withWorkplace } from "./workplace.ts";

export type RollbackOptions = GlobalOptions & {
  readonly stage?: StageName | undefined;
  readonly all: boolean;
  readonly despiteGuards: boolean;
  /** Undoes it without keeping which row was whose. */
  readonly loseAttribution?: boolean;
  /** Leaves the application's files as they are. */
  readonly leaveFiles?: boolean;
  /** Prints the script for psql instead. */
  readonly printSql?: boolean;
};

/** `tenantry rollback`: the last stage, the one named, or all. */
export function rollback(options: RollbackOptions): Promise<void> {
  return withWorkplace(options, (workplace) => rollbackIn(workplace, options), "rollback");
}

/** Rolls back in a workplace that is open already. */
export async function rollbackIn(workplace: Workplace, options: RollbackOptions): Promise<void> {
  const { session, target } = workplace;
  const wanted = options.all ? "all" : (options.stage ?? "last");
  const runs = runsToUndo(await readRuns(session), wanted);
  if (options.printSql === true) return printScripts(session, runs);
  // A journal that cannot say what to undo is refused before anything is kept.
  for (const { id } of runs) {
    await verifySteps(session, id);
    await readFingerprintBefore(session, id);
  }
  // Asked about all of them at once: a second one that cannot go would leave the first one undone.
  await refuseForeignDependents(session, runs);
  if (!options.despiteGuards) await askGuards(session, runs);
  const stages = runs.map(({ stage }) => stage);
  const { database } = targetParts(target);
  await confirm(options, {
    question: `Roll back ${stages.join(", ")} on ${database}?`,
    database,
    target,
  });

  await whileWriting(workplace, "rollback", async (writing) => {
    // Asked again under the lease: somebody else may have undone or applied something meanwhile.
    refuseUnlessSame(runs, runsToUndo(await readRuns(session), wanted));
    await sayNotCompared(session, writing.emit);
    const different: string[] = [];
    // Differences stop nothing: whoever rolls back in an incident wants all of it undone.
    for (const run of runs) {
      if (options.loseAttribution !== true) await keepWhatIsLost(writing, run);
      const found = await rollBack(
        { ...writing, online: writing.settings.online },
        run,
        options.leaveFiles === true ? "leave files" : "undo files",
      );
      different.push(...found.map((difference) => `${run.stage}: ${difference}`));
    }
    if (different.length > 0) throw fingerprintDiffers(stages.join(", "), different);
  });
}

/** @throws AppError ROLLBACK_REFUSED where these are not the runs that were asked about */
function refuseUnlessSame(asked: readonly Run[], now: readonly Run[]): void {
  const facts = (runs: readonly Run[]) => runs.map(({ id, state }) => `${id} ${state}`).join();
  if (facts(asked) === facts(now)) return;
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: asked.map(({ stage }) => stage).join(", "),
    fault: "somebody else has changed what stands since this was asked about",
    state: "nothing was undone",
    next: "tenantry status, then tenantry rollback again where it is still meant",
  });
}

/** The same as `rollback.sql` beside the backup, from the journal: for where the folder is gone. */
async function printScripts(session: Session, runs: readonly Run[]): Promise<void> {
  for (const run of runs) {
    const steps = await readSteps(session, run.id);
    const begun = steps.filter(({ state }) => state === "applied" || state === "running");
    process.stdout.write(
      rollbackScript(
        run.stage,
        begun.map(({ definition }) => definition),
      ),
    );
  }
}

function fingerprintDiffers(stages: string, differences: readonly string[]): AppError {
  return new AppError({
    code: "FINGERPRINT_DIFFERS",
    object: stages,
    fault: `rolled back, and the schema differs from before in ${differences.length} objects`,
    state:
      "every step is undone; somebody else made these changes, rows violate a constraint that was valid before, or this is a bug in Tenantry: please report it",
    next: "look at what is listed; the backup folder has the schema from before",
    details: differences,
  });
}
