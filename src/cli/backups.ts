import path from "node:path";
import { backUp } from "../backup/backup.ts";
import { describeUnreadable, listBackups } from "../backup/retention.ts";
import { formatTable } from "../report/table.ts";
import { formatBytes, formatCount } from "../report/units.ts";
import { dumpOptions } from "./backup.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { fromConfig, type Workplace, withWorkplace } from "./workplace.ts";

/** `tenantry backup`: one without a stage, of the database as it is now. */
export function makeBackup(options: GlobalOptions): Promise<void> {
  return withWorkplace(options, makeBackupIn);
}

/** The same in a workplace that is open already. */
export async function makeBackupIn(workplace: Workplace): Promise<void> {
  const { settings, target } = workplace;
  const made = await interruptible("the backup", "nothing is left of it", (signal) =>
    backUp({
      target,
      stage: null,
      folder: fromConfig(workplace, settings.backups.folder),
      ...dumpOptions(settings),
      tag: async () => null,
      files: {},
      notify: (text) => workplace.output.emit({ kind: "notice", text }),
      signal,
    }),
  );
  await workplace.output.show(
    { kind: "backup", ...made },
    () =>
      `${made.folder} (${formatBytes(made.bytes)})\ntenantry backup verify ${path.relative(process.cwd(), made.folder)} restores it where nothing is at stake, and compares\n`,
  );
}

/** `tenantry backup list`: the backups in the configured folder, the newest first. */
export function showBackups(options: GlobalOptions): Promise<void> {
  return withWorkplace(options, async (workplace) => {
    const folder = fromConfig(workplace, workplace.settings.backups.folder);
    const { backups, unreadable } = await listBackups(folder);
    for (const error of unreadable) {
      workplace.output.emit({ kind: "notice", text: describeUnreadable(error) });
    }
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
    await workplace.output.show(result, () => `${formatTable(head, rows, [4, 5])}\n`);
  });
}
