import type { Command } from "commander";
import { z } from "zod";
import {
  type RollbackRequest,
  rollBackStages,
  rollbackScripts,
} from "../../operations/roll-back.ts";
import { type RunName, runNameSchema } from "../../steps/model/stage.ts";
import { add, stageChoice } from "../command.ts";
import { type GlobalOptions, globalOptions, notBoth, readOptions } from "../options.ts";
import { inWorkspace } from "../workspace.ts";

export type RollbackOptions = GlobalOptions &
  Omit<RollbackRequest, "stage"> & {
    readonly stage?: RunName | undefined;
    readonly all: boolean;
    /** Prints the script for psql instead. */
    readonly printSql: boolean;
  };

/** `tenantry rollback`: the last stage, the one named, or all. */
export async function rollback(options: RollbackOptions): Promise<void> {
  const stage = options.all ? "all" : options.stage;
  await inWorkspace(
    options,
    async (workspace) => {
      if (!options.printSql) return void (await rollBackStages(workspace, { ...options, stage }));
      for (const script of await rollbackScripts(workspace, stage)) process.stdout.write(script);
    },
    "rollback",
  );
}

const rollbackOptions = globalOptions
  .extend({
    stage: runNameSchema.optional(),
    all: z.boolean().default(false),
    despiteGuards: z.boolean().default(false),
    loseAttribution: z.boolean().default(false),
    leaveFiles: z.boolean().default(false),
    printSql: z.boolean().default(false),
  })
  .refine(...notBoth("all", "stage"))
  .refine(...notBoth("printSql", "json"));

export function addRollback(root: Command): void {
  add(root, "rollback")
    .addOption(stageChoice("or later1, later2 … of tenantry fence; else the last that was begun"))
    .option("--all", "all stages, the last first")
    .option("--despite-guards", "also where a guard refuses")
    .option("--lose-attribution", "without saving which row belongs to which organization")
    .option("--leave-files", "leave the application's files as Day 3 wrote them")
    .option("--print-sql", "print the script for psql, from the journal; changes nothing")
    .action(async (_options, command: Command) =>
      rollback(readOptions(rollbackOptions, command.optsWithGlobals())),
    );
}
