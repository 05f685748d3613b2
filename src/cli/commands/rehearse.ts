import type { Command } from "commander";
import { z } from "zod";
import type { Workspace } from "../../operations/context/workspace.ts";
import {
  defaultWritesPerSecond,
  type RehearseRequest,
  rehearse as rehearseStages,
} from "../../operations/rehearse.ts";
import { add, stageChoice, withScratchOptions } from "../command.ts";
import { type GlobalOptions, notBoth, readOptions, withStage } from "../options.ts";
import { showRehearsal } from "../screens/rehearsal.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

/** `tenantry rehearse`: the stages that are left on a copy of the database, with a prediction. */
export function rehearse(options: GlobalOptions & RehearseRequest): Promise<void> {
  const work = (workspace: Workspace, output: Output) =>
    rehearseAndShow(workspace, output, options);
  return inWorkspace(options, work, "rehearse");
}

/** The same in a workspace that is open already. */
export async function rehearseAndShow(
  workspace: Workspace,
  output: Output,
  request: RehearseRequest,
): Promise<void> {
  const { rehearsal, file, failure } = await rehearseStages(workspace, request);
  await output.show({ kind: "rehearsal", file, ...rehearsal }, () =>
    showRehearsal(rehearsal, file),
  );
  if (failure !== undefined) throw failure;
}

const rehearseOptions = withStage
  .extend({
    backup: z.string().optional(),
    sample: z.coerce.number().positive().max(100).optional(),
    writesPerSecond: z.coerce.number().int().min(0).max(10_000).default(defaultWritesPerSecond),
    scratch: z.string().optional(),
    identity: z.string().optional(),
  })
  .refine(...notBoth("sample", "backup"));

export function addRehearse(root: Command): void {
  const command = add(root, "rehearse")
    .addOption(stageChoice("else all that are left"))
    .option("--backup <folder>", "rehearse on this backup, instead of one that is made for it")
    .option("--sample <percentage>", "rehearse on the schema and a sample of large tables' rows")
    .option("--writes-per-second <count>", "of the application that writes during the rehearsal");
  withScratchOptions(command).action(async (_options, own: Command) =>
    rehearse(readOptions(rehearseOptions, own.optsWithGlobals())),
  );
}
