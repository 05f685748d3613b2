import type { Command } from "commander";
import { z } from "zod";
import { add } from "../../command.ts";
import { globalOptions, readOptions } from "../../options.ts";

const restoreOptions = globalOptions.extend({
  folder: z.string(),
  into: z.string().optional(),
  inPlace: z.boolean().default(false),
  confirm: z.string().optional(),
  identity: z.string().optional(),
});

export function addRestore(root: Command): void {
  add(root, "restore")
    .argument("<folder>", "the backup's folder")
    .option("--into <url>", "a database that does not exist yet, which is created")
    .option("--in-place", "replace the database it was made of, which is kept beside it")
    .option("--confirm <database>", "the database's name, where there is no terminal to ask at")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (folder: string, _options, command: Command) => {
      const { restoreCommand } = await import("../../actions/backups/restore.ts");
      await restoreCommand(readOptions(restoreOptions, { ...command.optsWithGlobals(), folder }));
    });
}
