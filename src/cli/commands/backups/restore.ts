import path from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { AppError } from "../../../errors.ts";
import { type RestoreResult, restore } from "../../../operations/backups/restore.ts";
import { add } from "../../command.ts";
import { globalOptions, readOptions } from "../../options.ts";
import { withOutput } from "../../terminal/output.ts";
import { callerOf, takeTarget } from "../../workspace.ts";

const restoreOptions = globalOptions.extend({
  folder: z.string(),
  into: z.string().optional(),
  inPlace: z.boolean().default(false),
  confirm: z.string().optional(),
  identity: z.string().optional(),
});

/** `tenantry restore`: a backup into a new database, or in place of the one it was made of. */
export async function restoreCommand(options: z.output<typeof restoreOptions>): Promise<void> {
  const { into, inPlace } = options;
  if ((into === undefined) === !inPlace) throw noPlace();
  // No program that is started from here on inherits a password.
  const target = takeTarget({ url: into ?? options.url });
  const folder = path.resolve(options.folder);
  const configured = options.config === undefined ? "." : path.dirname(options.config);
  const log = { command: "restore", folder: path.resolve(configured) } as const;
  await withOutput({ options, target, log }, async (output) => {
    const { identity } = options;
    const request = { folder, target: output.observed(target), inPlace, identity };
    const restored = await restore(callerOf(options, output), request);
    const { database, folder: from, keptAs } = restored;
    await output.show({ kind: "restored", database, folder: from, keptAs }, () =>
      showRestored(restored),
    );
  });
}

function showRestored({ database, folder, madeAt, keptAs, dropKept }: RestoreResult): string {
  if (keptAs === null) {
    return `${database} holds what ${folder} holds: schema, counts and checksums are the same.\n`;
  }
  return `${database} is as it was at ${madeAt}: schema, counts and checksums are those of the backup.
The database as it was until now is kept as ${keptAs}. When nothing in it is needed any more:
  ${dropKept}
`;
}

function noPlace(): AppError {
  return new AppError({
    code: "USAGE",
    object: "tenantry restore",
    fault: "needs a place to restore into: either --into another database, or --in-place",
    state: "nothing was changed",
    next: "tenantry restore backups/… --into postgresql://user@host/a_new_database",
  });
}

export function addRestore(root: Command): void {
  add(root, "restore")
    .argument("<folder>", "the backup's folder")
    .option("--into <url>", "a database that does not exist yet, which is created")
    .option("--in-place", "replace the database it was made of, which is kept beside it")
    .option("--confirm <database>", "the database's name, where there is no terminal to ask at")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (folder: string, _options, command: Command) =>
      restoreCommand(readOptions(restoreOptions, { ...command.optsWithGlobals(), folder })),
    );
}
