import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

const demoOptions = globalOptions.extend({
  rows: z.coerce.number().int().min(1000).max(50_000_000).default(320_000),
  keep: z.boolean().default(false),
});

export function addDemo(root: Command): void {
  add(root, "demo")
    .option("--rows <count>", "rows in leads and call_logs together")
    .option("--keep", "leave the server up at the end of the three days, and show its address")
    .action(async (_options, command: Command) => {
      const { demo } = await import("../actions/demo.ts");
      await demo(readOptions(demoOptions, command.optsWithGlobals()));
    });
}
