import type { Command } from "commander";
import { z } from "zod";
import { add, onFailureChoice, stageChoice, withScratchOptions } from "../command.ts";
import { backupChecks, notBoth, onFailure, readOptions, withStage } from "../options.ts";

const runOptions = withStage
  .extend({
    ...backupChecks,
    ...onFailure,
    despiteRehearsal: z.boolean().default(false),
    attribution: z.string().optional(),
    newTables: z.boolean().default(false),
  })
  .refine(...notBoth("newTables", "stage"))
  .refine(...notBoth("newTables", "attribution"))
  .refine(({ attribution, stage }) => attribution === undefined || stage !== undefined, {
    path: ["attribution"],
    message: "needs --stage: it is of one stage",
  });

export function addRun(root: Command): void {
  const command = add(root, "run")
    .addOption(stageChoice("else all that are left"))
    .option("--new-tables", "instead of stages, the tables that came after theirs: tenantry fence")
    .option("--verify-backup", "restore each backup elsewhere and compare, before its stage begins")
    .option(
      "--attribution <folder>",
      "restore the row ownership that a rollback of the stage saved",
    )
    .option("--despite-rehearsal", "also where the stage failed in its rehearsal")
    .addOption(onFailureChoice());
  withScratchOptions(command).action(async (_options, own: Command) => {
    const options = readOptions(runOptions, own.optsWithGlobals());
    if (options.newTables) {
      const { fence } = await import("../actions/fence.ts");
      return fence(options);
    }
    const { run } = await import("../actions/run.ts");
    return run(options);
  });
}
