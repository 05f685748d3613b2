import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

const guidesOptions = globalOptions.extend({
  write: z.boolean().default(false),
  folder: z.string().min(1),
});

export function addGuides(root: Command): void {
  add(root, "guides")
    .option("--write", "write the files; files edited by hand are not overwritten")
    .option("--folder <folder>", "the folder to write to", "docs/tenancy")
    .action(async (_options, command: Command) => {
      const { guides } = await import("../actions/guides.ts");
      await guides(readOptions(guidesOptions, command.optsWithGlobals()));
    });
}
