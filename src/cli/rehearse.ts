import { readSystem } from "../backup/belongs.ts";
import { AppError } from "../errors.ts";
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
  const rehearsal = await rehearseIn(workplace, options);
  const folder = fromConfig(workplace, workplace.settings.backups.folder);
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

function rehearseIn(workplace: Workplace, options: RehearseOptions): Promise<Rehearsal> {
  const state = "nothing was changed: it was a copy, which is gone";
  return interruptible("the rehearsal", state, async (signal) => {
    const stages = await stagesToRun(workplace, options.stage);
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
