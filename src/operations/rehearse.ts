import { stages as definitions } from "../../stages/index.ts";
import { makeBackupsFolder } from "../backup/folder/folder.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import { whyNotWritten } from "../check/backup/backup-folder.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { planStages } from "../plan/plan.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import { keepRehearsal, type Rehearsal } from "../rehearsal/rehearsal.ts";
import type { StageName } from "../steps/model/stage.ts";
import { interruptible } from "./context/interruptible.ts";
import { fromConfig, type Workspace } from "./context/workspace.ts";
import { type CopyRequest, withCopy } from "./copy/copy.ts";
import { playStages } from "./copy/play-stages.ts";
import { stagesToRun } from "./run-stages.ts";
import { readFunctions } from "./stage/functions.ts";

export type RehearseRequest = Omit<CopyRequest, "workspace" | "what" | "signal"> & {
  readonly stage?: StageName | undefined;
  /** Writes a second of the application that does not know of organizations. */
  readonly writesPerSecond?: number | undefined;
};

/** Of the application that writes during a rehearsal. */
const defaultWritesPerSecond = 50;

export type RehearseResult = {
  readonly rehearsal: Rehearsal;
  /** Where it is kept. */
  readonly file: string;
  /** Why a stage or its rollback failed; undefined where they did not. */
  readonly failure: AppError | undefined;
};

/**
 * Runs the stages that are left, their verification and their rollback on a copy of the database,
 * with an old application writing; and predicts from that what the database itself would take.
 * @throws AppError BACKUP_FAILED where the result could not be kept, before anything is copied
 */
export async function rehearse(
  workspace: Workspace,
  request: RehearseRequest = {},
): Promise<RehearseResult> {
  const folder = fromConfig(workspace, workspace.settings.backups.folder);
  await refuseUnlessKept(folder);
  const rehearsal = await rehearseOnCopy(workspace, request);
  const notify = (text: string) => workspace.caller.emit({ kind: "notice", text });
  await makeBackupsFolder(folder, notify);
  const file = await keepRehearsal(folder, rehearsal);
  return { rehearsal, file, failure: failureOf(rehearsal) };
}

function failureOf({ stages, rollback }: Rehearsal): AppError | undefined {
  const failed = stages.find(({ failure }) => failure !== null);
  const failure = failed?.failure ?? rollback.failure;
  if (failure === null) return undefined;
  return new AppError({
    code: "REHEARSAL_FAILED",
    object: failed?.stage ?? "rollback",
    fault: `failed at ${failure.object}: ${failure.fault}`,
    state: "nothing was changed: it was a copy, which is removed",
    next: "fix the cause and rehearse again; until then tenantry run refuses the stage",
    details: failure.details,
  });
}

/** What a rehearsal took hours to find out is kept beside the backups. */
async function refuseUnlessKept(folder: string): Promise<void> {
  const refused = await whyNotWritten(folder);
  if (refused === undefined) return;
  throw new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `the rehearsal could not be kept here: ${refused}`,
    state: "nothing was changed, and nothing rehearsed",
    next: "name a folder that can be written in the configuration's backups.folder",
  });
}

function rehearseOnCopy(workspace: Workspace, request: RehearseRequest): Promise<Rehearsal> {
  const { stage, writesPerSecond = defaultWritesPerSecond, ...copyRequest } = request;
  const state = "nothing was changed: it was a copy, which is removed";
  return interruptible(workspace.caller, { what: "the rehearsal", state }, async (signal) => {
    const stages = await stagesToRun(workspace, stage);
    if (request.backup === undefined) await refuseUnplannable(workspace, stages);
    const what = "rehearsal";
    return withCopy({ ...copyRequest, workspace, what, signal }, async (copied) => ({
      format: 1,
      madeAt: new Date().toISOString(),
      database: await readDatabaseIdentity(workspace.session),
      copy: copied.copy,
      server: copied.origin,
      ...(await playStages(copied.workspace, stages, { writesPerSecond, signal })),
    }));
  });
}

/** A configuration that does not fit the database is refused before hours of copying it. */
async function refuseUnplannable(
  workspace: Workspace,
  wanted: readonly StageName[],
): Promise<void> {
  const { session, settings, configFile } = workspace;
  const begun = (await readRuns(session)).filter(({ state }) => state !== "rolled back");
  const ahead = wanted.filter((name) => !begun.some(({ stage }) => stage === name));
  const planned = definitions.filter(({ name }) => ahead.includes(name));
  const snapshot = await readSnapshot(session);
  const functions = await readFunctions(workspace, snapshot, planned);
  const { tenancy } = planStages(settings, snapshot, planned, { origin: configFile, ...functions });
  const applied = begun.filter(({ state }) => state === "applied");
  if (planned.length > 0) refuseOtherTenancy(applied, tenancy, configFile);
}
