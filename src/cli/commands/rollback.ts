import type { Command } from "commander";
import { z } from "zod";
import { runNameSchema } from "../../steps/model/stage.ts";
import { add, stageChoice } from "../command.ts";
import { globalOptions, notBoth, readOptions } from "../options.ts";

const rollbackOptions = globalOptions
  .extend({
    stage: runNameSchema.optional(),
    all: z.boolean().default(false),
    despiteGuards: z.boolean().default(false),
    loseAttribution: z.boolean().default(false),
    leaveFiles: z.boolean().default(false),
    printSql: z.boolean().default(false),
    check: z.boolean().default(false),
    export: z.string().min(1).optional(),
  })
  .refine(...notBoth("all", "stage"))
  .refine(...notBoth("printSql", "json"))
  .refine(...notBoth("check", "printSql"))
  .refine(({ check, export: folder }) => check || folder === undefined, {
    path: ["export"],
    message: "goes with --check only",
  });

export function addRollback(root: Command): void {
  add(root, "rollback")
    .addOption(stageChoice("or later1, later2 … of tenantry fence; else the last that was begun"))
    .option("--all", "all stages, the last first")
    .option("--despite-guards", "also where a guard refuses")
    .option("--lose-attribution", "without saving which row belongs to which organization")
    .option("--leave-files", "leave the application's files as Day 3 wrote them")
    .option("--print-sql", "print the script for psql, from the journal; changes nothing")
    .option(
      "--check",
      "only say whether it can be rolled back, and what would be lost; changes nothing",
    )
    .option(
      "--export <folder>",
      "with --check: write all that would be lost to CSV files in this folder",
    )
    .action(async (_options, command: Command) => {
      const { rollback } = await import("../actions/rollback.ts");
      await rollback(readOptions(rollbackOptions, command.optsWithGlobals()));
    });
}
