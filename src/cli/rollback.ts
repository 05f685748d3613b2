import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { targetParts } from "../postgres/connection.ts";
import { askGuards, runsToUndo } from "../rollback/guards.ts";
import { rollBack } from "../rollback/roll-back.ts";
import type { StageName } from "../steps/stage.ts";
import { confirm } from "./confirm.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, whileWriting, withWorkplace } from "./workplace.ts";

export type RollbackOptions = GlobalOptions & {
  readonly stage?: StageName | undefined;
  readonly all: boolean;
  readonly despiteGuards: boolean;
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
  if (!options.despiteGuards) await askGuards(session, runs);
  const stages = runs.map(({ stage }) => stage);
  const { database } = targetParts(target);
  await confirm(options, {
    question: `Roll back ${stages.join(", ")} on ${database}?`,
    database,
    target,
  });

  await whileWriting(workplace, async (writing) => {
    const different: string[] = [];
    // Differences stop nothing: whoever rolls back in an incident wants all of it undone.
    for (const run of runs) {
      const found = await rollBack({ ...writing, online: writing.settings.online }, run);
      different.push(...found.map((difference) => `${run.stage}: ${difference}`));
    }
    if (different.length > 0) throw fingerprintDiffers(stages.join(", "), different);
  });
}

function fingerprintDiffers(stages: string, differences: readonly string[]): AppError {
  return new AppError({
    code: "FINGERPRINT_DIFFERS",
    object: stages,
    fault: `rolled back, and the schema differs from before in ${differences.length} objects`,
    state:
      "every step is undone; what is listed was changed by somebody else meanwhile, or is our fault",
    next: "look at what is listed; the backup folder has the schema from before",
    details: differences,
  });
}
