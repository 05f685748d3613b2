import type { Command } from "commander";
import { z } from "zod";
import { type FenceRequest, fenceTables } from "../../operations/fence-tables.ts";
import { add, onFailureChoice, withScratchOptions } from "../command.ts";
import {
  backupChecks,
  type GlobalOptions,
  globalOptions,
  onFailure,
  readOptions,
} from "../options.ts";
import { inWorkspace } from "../workspace.ts";

/** `tenantry fence`, and `tenantry run --new-tables`: tables that came after their stage. */
export async function fence(options: GlobalOptions & FenceRequest): Promise<void> {
  await inWorkspace(options, (workspace) => fenceTables(workspace, options), "run");
}

const fenceOptions = globalOptions.extend({
  ...backupChecks,
  ...onFailure,
  tables: z.array(z.string()).readonly(),
  attribution: z.string().optional(),
});

export function addFence(root: Command): void {
  const command = add(root, "fence")
    .argument("[tables...]", "as the configuration names them (else all that are new)")
    .option(
      "--verify-backup",
      "restore the backup elsewhere and compare, before anything is changed",
    )
    .option("--attribution <folder>", "restore the row ownership that a rollback saved")
    .addOption(onFailureChoice());
  withScratchOptions(command).action(async (tables: string[], _options, own: Command) =>
    fence(readOptions(fenceOptions, { ...own.optsWithGlobals(), tables })),
  );
}
