import type { Command } from "commander";
import { z } from "zod";
import { add, stageChoice, withScratchOptions } from "../command.ts";
import { notBoth, readOptions, withStage } from "../options.ts";

const rehearseOptions = withStage
  .extend({
    backup: z.string().optional(),
    sample: z.coerce.number().positive().max(100).optional(),
    writesPerSecond: z.coerce.number().int().min(0).max(10_000).optional(),
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
  withScratchOptions(command).action(async (_options, own: Command) => {
    const { rehearse } = await import("../actions/rehearse.ts");
    await rehearse(readOptions(rehearseOptions, own.optsWithGlobals()));
  });
}
