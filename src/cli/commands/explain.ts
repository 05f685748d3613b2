import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

const explainOptions = globalOptions.extend({ word: z.string().optional() });

export function addExplain(root: Command): void {
  add(root, "explain")
    .argument("[name]", "of a stage, step, error, SQLSTATE, check or rule (else all names)")
    .action(async (word: string | undefined, _options, command: Command) => {
      const { explainCommand } = await import("../actions/explain.ts");
      await explainCommand(readOptions(explainOptions, { ...command.optsWithGlobals(), word }));
    });
}
