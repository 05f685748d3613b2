import { stages as definitions } from "../../stages/index.ts";
import { readSystem } from "../backup/belongs.ts";
import { makeBackupsFolder } from "../backup/folder.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { whyNotWritten } from "../check/backup-folder.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { planStages } from "../plan/plan.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import { keepRehearsal, type Rehearsal } from "../rehearsal/rehearsal.ts";
import type { StageName } from "../steps/stage.ts";
import { type CopyOptions, withCopy } from "./copy.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { playStages } from "./play-stages.ts";
import { stagesToRun } from "./run.ts";
import { showRehearsal } from "./show-rehearsal.ts";
import { fromConfig, type Workplace, withWorkplace } from "./workplace.ts";

export type RehearseOptions = GlobalOptions &
  CopyOptions & {
    readonly stage?: StageName | undefined;
    /** Writes a second of the application that does not know of organizations. */
    readonly writesPerSecond: number;
  };

/** Of the application that writes during a rehearsal. */
export const defaultWritesPerSecond = 50;

/**
 * `tenantry rehearse`: the stages that are left, their verification and their rollback on a copy of
 * the database, with an old application writing; and what that says of the database itself.
 */
export function rehearse(options: RehearseOptions): Promise<void> {
  return withWorkplace(options, (workplace) => rehearseAndShow(workplace, options), "rehearse");
}

/** The same in a workplace that is open already. */
export async function rehearseAndShow(
  workplace: Workplace,
  options: RehearseOptions,
): Promise<void> {
  const folder = fromConfig(workplace, workplace.settings.backups.folder);
  await refuseUnlessKept(folder);
  const rehearsal = await rehearseIn(workplace, options);
  await makeBackupsFolder(folder, (text) => workplace.output.emit({ kind: "notice", text }));
  const file = await keepRehearsal(folder, rehearsal);
  await workplace.output.show({ kind: "rehearsal", file, ...rehearsal }, () =>
    showRehearsal(rehearsal, file),
  );
  const failed = rehearsal.stages.find(({ failure }) => failure !== null);
  const failure = failed?.failure ?? rehearsal.rollback.failure;
  if (failure === null) return;
  throw new AppError({
    code: "REHEARSAL_FAILED",
    object: failed?.stage ?? "rollback",
    fault: `failed at ${failure.object}: ${failure.fault}`,
    state: "nothing was changed: it was a copy, which is gone",
    next: "mend the cause and rehearse again; the stage is not started on the database meanwhile",
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

function rehearseIn(workplace: Workplace, options: RehearseOptions): Promise<Rehearsal> {
  const state = "nothing was changed: it was a copy, which is gone";
  return interruptible("the rehearsal", state, async (signal) => {
    const stages = await stagesToRun(workplace, options.stage);
    if (options.backup === undefined) await refuseUnplannable(workplace, stages);
    return withCopy(workplace, "rehearsal", options, signal, async (copied) => ({
      format: 1,
      madeAt: new Date().toISOString(),
      database: await readSystem(workplace.session),
      copy: copied.copy,
      server: copied.origin,
      ...(await playStages(copied.workplace, stages, { ...options, signal })),
    }));
  });
}

/** A configuration that does not fit the database is refused before hours of copying it. */
async function refuseUnplannable(
  { session, settings, configFile }: Workplace,
  wanted: readonly StageName[],
): Promise<void> {
  const begun = (await readRuns(session)).filter(({ state }) => state !== "rolled back");
  const ahead = wanted.filter((name) => !begun.some(({ stage }) => stage === name));
  const planned = definitions.filter(({ name }) => ahead.includes(name));
  const { tenancy } = planStages(settings, await readSnapshot(session), planned, configFile);
  const applied = begun.filter(({ state }) => state === "applied");
  if (planned.length > 0) refuseOtherTenancy(applied, tenancy, configFile);
}
