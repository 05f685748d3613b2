import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

const statusOptions = globalOptions.extend({ steps: z.boolean().default(false) });

export function addStatus(root: Command): void {
  add(root, "status")
    .option("--steps", "every step, what it took, and what its rehearsal predicted")
    .action(async (_options, command: Command) => {
      const { status } = await import("../actions/status.ts");
      await status(readOptions(statusOptions, command.optsWithGlobals()));
    });
}
