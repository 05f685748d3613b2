import { readDatabaseIdentity } from "../../catalog/system-identifier.ts";
import { AppError } from "../../errors.ts";
import type { NewRun } from "../../journal/journal.ts";
import { findRehearsal } from "../../rehearsal/rehearsal.ts";
import type { RunName } from "../../steps/model/stage.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";

/**
 * What the latest rehearsal of this plan predicts for its steps; empty where there was none.
 * @throws AppError REHEARSAL_FAILED where the stage failed in it
 */
export async function predictionOf(
  workspace: Workspace,
  stage: RunName,
  planDigest: string,
  { despiteRehearsal }: { readonly despiteRehearsal?: boolean },
): Promise<NewRun["predicted"]> {
  const folder = fromConfig(workspace, workspace.settings.backups.folder);
  const database = await readDatabaseIdentity(workspace.session);
  const rehearsed = await findRehearsal(folder, { stage, planDigest, database });
  if (rehearsed === undefined) return {};
  const { failure } = rehearsed;
  if (failure !== null && despiteRehearsal !== true) {
    throw new AppError({
      code: "REHEARSAL_FAILED",
      object: stage,
      fault: `failed in its rehearsal at ${failure.object}: ${failure.fault}`,
      state: "nothing was changed",
      next: "fix the cause and tenantry rehearse again, or run it with --despite-rehearsal",
      details: failure.details,
    });
  }
  return Object.fromEntries(rehearsed.steps.map(({ id, predicted }) => [id, predicted]));
}
