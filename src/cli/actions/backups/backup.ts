import path from "node:path";
import { formatBytes, formatCount } from "../../../number-formats.ts";
import { backUp, describeUnreadable, listBackups } from "../../../operations/backups/back-up.ts";
import type { Workspace } from "../../../operations/context/workspace.ts";
import { formatTable } from "../../../report/terminal/table.ts";
import type { GlobalOptions } from "../../options.ts";
import type { Output } from "../../terminal/output.ts";
import { inWorkspace } from "../../workspace.ts";

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
