import { AppError } from "../errors.ts";
import { type Run, readFingerprintBefore, readRuns } from "../journal/journal.ts";
import { readSteps, verifySteps } from "../journal/steps.ts";
import { targetParts } from "../postgres/connection.ts";
import { refuseForeignDependents } from "../rollback/dependents.ts";
import { askGuards, runsToUndo } from "../rollback/guards.ts";
import { rollBack } from "../rollback/roll-back.ts";
import { rollbackScript } from "../rollback/script.ts";
import type { RunName } from "../steps/model/stage.ts";
import { migrateEarlierJournal } from "./context/earlier-journal.ts";
import type { Workspace } from "./context/workspace.ts";
import { whileWriting } from "./context/writing.ts";
import { emitNotCompared } from "./stage/not-compared.ts";
import { saveAttribution } from "./stage/save-attribution.ts";

export type RollbackRequest = {
  /** One stage or all of them; else the last that was begun. */
  readonly stage?: RunName | "all" | undefined;
  /** Rolls back also where a guard refuses. */
  readonly despiteGuards?: boolean;
  /** Does not save which row belongs to which organization. */
  readonly loseAttribution?: boolean;
  /** Leaves the application's files as they are. */
  readonly leaveFiles?: boolean;
};

/** The stages that were rolled back, the last first; the schema is as it was before them. */
export type RollbackResult = { readonly rolledBack: readonly RunName[] };

/**
 * Rolls stages back by the inverses that the journal holds, and compares the schema's fingerprint
 * with the one from before them. Rows that were written meanwhile are kept.
 * @throws AppError ROLLBACK_REFUSED before anything is undone, FINGERPRINT_DIFFERS after everything is
 */
export async function rollBackStages(
  workspace: Workspace,
  request: RollbackRequest = {},
): Promise<RollbackResult> {
  const { session, target, caller } = workspace;
  await migrateEarlierJournal(workspace);
  const wanted = request.stage ?? "last";
  const runs = runsToUndo(await readRuns(session), wanted);
  // A journal that cannot be read is refused before anything is saved.
  for (const { id } of runs) {
    await verifySteps(session, id);
    await readFingerprintBefore(session, id);
  }
  // Asked about all of them at once: a second one that is refused would leave the first one undone.
  await refuseForeignDependents(session, runs);
  if (request.despiteGuards !== true) await askGuards(session, runs);
  const stages = runs.map(({ stage }) => stage);
  const { database, host } = targetParts(target);
  await caller.questions.confirm({ kind: "roll back", stages, database, host });

  return whileWriting(workspace, "rollback", async (writing) => {
    // Asked again under the lease: another command may have undone or applied something meanwhile.
    refuseUnlessSame(runs, runsToUndo(await readRuns(session), wanted));
    await emitNotCompared(session, writing.emit);
    const different: string[] = [];
    // Differences stop nothing: in an incident, all of it is to be undone.
    for (const run of runs) {
      if (request.loseAttribution !== true) await saveAttribution(writing, run);
      const files = request.leaveFiles === true ? "leave files" : "undo files";
      const found = await rollBack(writing, run, files);
      different.push(...found.map((difference) => `${run.stage}: ${difference}`));
    }
    if (different.length > 0) throw fingerprintDiffers(stages.join(", "), different);
    return { rolledBack: stages };
  });
}

/** The rollback as scripts for psql, from the journal: what `rollback.sql` beside the backup holds. */
export async function rollbackScripts(
  { session }: Pick<Workspace, "session">,
  stage: RollbackRequest["stage"],
): Promise<readonly string[]> {
  const scripts: string[] = [];
  for (const run of runsToUndo(await readRuns(session), stage ?? "last")) {
    const steps = await readSteps(session, run.id);
    const begun = steps.filter(({ state }) => state === "applied" || state === "running");
    const definitions = begun.map(({ definition }) => definition);
    scripts.push(rollbackScript({ stage: run.stage, steps: definitions, guards: run.guards }));
  }
  return scripts;
}

/** @throws AppError ROLLBACK_REFUSED where these are not the runs that were asked about */
function refuseUnlessSame(asked: readonly Run[], now: readonly Run[]): void {
  const facts = (runs: readonly Run[]) => runs.map(({ id, state }) => `${id} ${state}`).join();
  if (facts(asked) === facts(now)) return;
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: asked.map(({ stage }) => stage).join(", "),
    fault: "another command changed what is applied since the question was asked",
    state: "nothing was undone",
    next: "tenantry status, then tenantry rollback again if it is still wanted",
  });
}

function fingerprintDiffers(stages: string, differences: readonly string[]): AppError {
  return new AppError({
    code: "FINGERPRINT_DIFFERS",
    object: stages,
    fault: `rolled back, and the schema differs from before in ${differences.length} objects`,
    state:
      "every step is undone; somebody else made these changes, rows violate a constraint that was valid before, or this is a bug in Tenantry: please report it",
    next: "compare the objects listed with the backup folder, which has the schema from before",
    details: differences,
  });
}
