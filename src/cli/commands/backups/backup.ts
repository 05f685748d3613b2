import path from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { formatBytes, formatCount } from "../../../number-formats.ts";
import { backUp, describeUnreadable, listBackups } from "../../../operations/backups/back-up.ts";
import type { Workspace } from "../../../operations/context/workspace.ts";
import { formatTable } from "../../../report/terminal/table.ts";
import { add, withScratchOptions } from "../../command.ts";
import { backupChecks, type GlobalOptions, globalOptions, readOptions } from "../../options.ts";
import type { Output } from "../../terminal/output.ts";
import { inWorkspace } from "../../workspace.ts";
import { verifyBackupCommand } from "./verify-backup.ts";

/** `tenantry backup`: one without a stage, of the database as it is now. */
export function makeBackup(options: GlobalOptions): Promise<void> {
  return inWorkspace(options, backUpAndShow);
}

/** The same in a workspace that is open already. */
export async function backUpAndShow(workspace: Workspace, output: Output): Promise<void> {
  const made = await backUp(workspace);
  const folder = path.relative(process.cwd(), made.folder);
  await output.show(
    { kind: "backup", ...made },
    () =>
      `${made.folder} (${formatBytes(made.bytes)})\nto restore it elsewhere and compare: tenantry backup verify ${folder}\n`,
  );
}

/** `tenantry backup list`: the backups in the configured folder, the newest first. */
export function showBackups(options: GlobalOptions): Promise<void> {
  return inWorkspace(options, async (workspace, output) => {
    const { backups, unreadable } = await listBackups(workspace);
    for (const error of unreadable)
      output.emit({ kind: "notice", text: describeUnreadable(error) });
    const rows = backups.map(({ folder: backup, manifest }) => {
      const { tables } = manifest.contents;
      const count = tables.reduce((sum, table) => sum + table.rows, 0);
      return [
        path.relative(process.cwd(), backup),
        manifest.stage === null ? "" : `before ${manifest.stage}`,
        manifest.database.name,
        `${manifest.madeAt.slice(0, 16)}Z`,
        formatCount(count),
        formatBytes(manifest.totalBytes),
        manifest.recipients.length > 0 ? "encrypted" : "",
      ];
    });
    const head = ["backup", "made", "database", "at", "rows", "size", ""];
    const result = { kind: "backups", backups } as const;
    await output.show(result, () => `${formatTable(head, rows, [4, 5])}\n`);
  });
}

const verifyOptions = globalOptions.extend({ ...backupChecks, folder: z.string().optional() });

export function addBackup(root: Command): void {
  const backup = add(root, "backup").action(async (_options, command: Command) =>
    makeBackup(readOptions(globalOptions, command.optsWithGlobals())),
  );
  add(backup, "backup list").action(async (_options, command: Command) =>
    showBackups(readOptions(globalOptions, command.optsWithGlobals())),
  );
  const verify = add(backup, "backup verify").argument(
    "[folder]",
    "the backup's folder (else the newest)",
  );
  withScratchOptions(verify).action(async (folder: string | undefined, _options, own: Command) =>
    verifyBackupCommand(readOptions(verifyOptions, { ...own.optsWithGlobals(), folder })),
  );
}
