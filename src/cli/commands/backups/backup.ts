import type { Command } from "commander";
import { z } from "zod";
import { add, withScratchOptions } from "../../command.ts";
import { backupChecks, globalOptions, readOptions } from "../../options.ts";

const verifyOptions = globalOptions.extend({ ...backupChecks, folder: z.string().optional() });

export function addBackup(root: Command): void {
  const backup = add(root, "backup").action(async (_options, command: Command) => {
    const { makeBackup } = await import("../../actions/backups/backup.ts");
    await makeBackup(readOptions(globalOptions, command.optsWithGlobals()));
  });
  add(backup, "backup list").action(async (_options, command: Command) => {
    const { showBackups } = await import("../../actions/backups/backup.ts");
    await showBackups(readOptions(globalOptions, command.optsWithGlobals()));
  });
  const verify = add(backup, "backup verify").argument(
    "[folder]",
    "the backup's folder (else the newest)",
  );
  withScratchOptions(verify).action(async (folder: string | undefined, _options, own: Command) => {
    const { verifyBackupCommand } = await import("../../actions/backups/verify-backup.ts");
    await verifyBackupCommand(readOptions(verifyOptions, { ...own.optsWithGlobals(), folder }));
  });
}
