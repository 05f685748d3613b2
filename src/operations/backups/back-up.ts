import { type Backup, backUp as dumpAndDescribe } from "../../backup/backup.ts";
import { listBackups as readBackups } from "../../backup/folder/retention.ts";

export { describeUnreadable } from "../../backup/folder/retention.ts";

import { interruptible } from "../context/interruptible.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";
import { dumpOptions } from "../stage/back-up-stage.ts";

/** Backs up the database as it is now, without a stage. */
export function backUp(workspace: Workspace): Promise<Backup> {
  const { settings, target, caller } = workspace;
  const place = { what: "the backup", state: "nothing is left of it" };
  return interruptible(caller, place, (signal) =>
    dumpAndDescribe({
      target,
      stage: null,
      folder: fromConfig(workspace, settings.backups.folder),
      ...dumpOptions(settings),
      tag: async () => null,
      files: {},
      notify: (text) => caller.emit({ kind: "notice", text }),
      signal,
    }),
  );
}

/** The backups in the configured folder, the newest first, and those that cannot be read. */
export function listBackups(workspace: Workspace): ReturnType<typeof readBackups> {
  return readBackups(fromConfig(workspace, workspace.settings.backups.folder));
}
