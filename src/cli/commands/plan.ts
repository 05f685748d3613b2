import type { Command } from "commander";
import { z } from "zod";
import { add, stageChoice } from "../command.ts";
import { notBoth, readOptions, withStage } from "../options.ts";

const planOptions = withStage
  .extend({ sql: z.boolean().default(false), newTables: z.boolean().default(false) })
  .refine(...notBoth("newTables", "stage"))
  .refine(...notBoth("sql", "json"));

export function addPlan(root: Command): void {
  add(root, "plan")
    .addOption(stageChoice("else all that are left"))
    .option("--sql", "as a script for psql")
    .option("--new-tables", "instead of stages, the tables that came after theirs")
    .action(async (_options, command: Command) => {
      const { plan } = await import("../actions/plan.ts");
      await plan(readOptions(planOptions, command.optsWithGlobals()));
    });
}
