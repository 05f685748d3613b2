import type { Command } from "commander";
import { add, stageChoice } from "../command.ts";
import { readOptions, withStage } from "../options.ts";

export function addCheck(root: Command): void {
  add(root, "check")
    .addOption(stageChoice("else all that are left"))
    .action(async (_options, command: Command) => {
      const { check } = await import("../actions/check.ts");
      await check(readOptions(withStage, command.optsWithGlobals()));
    });
}
