import type { Command } from "commander";
import { z } from "zod";
import { add, onFailureChoice, withScratchOptions } from "../command.ts";
import { backupChecks, globalOptions, onFailure, readOptions } from "../options.ts";

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
  withScratchOptions(command).action(async (tables: string[], _options, own: Command) => {
    const { fence } = await import("../actions/fence.ts");
    await fence(readOptions(fenceOptions, { ...own.optsWithGlobals(), tables }));
  });
}
