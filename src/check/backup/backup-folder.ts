import { constants, existsSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../errors.ts";
import type { PreflightCheck } from "../check.ts";

export const backupFolder: PreflightCheck = {
  id: "backup-folder",
  title: "a folder for backups that exists and is writable, or can be created",
  why: "no stage starts without a backup",
  stops: [],
  async find({ settings, folder }) {
    const wanted = path.resolve(folder, settings.backups.folder);
    const refused = await whyNotWritten(wanted);
    if (refused === undefined) return [];
    return [
      {
        severity: "blocking",
        what: { object: wanted, fact: refused },
        fix: "set backups.folder in the configuration to a writable folder",
      },
    ];
  },
};

/** The folder or, until the first backup creates it, the nearest parent that exists. */
export function nearestExisting(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder
    ? folder
    : nearestExisting(path.dirname(folder));
}

/** Why a folder cannot be written to or created; undefined if it can. */
export async function whyNotWritten(folder: string): Promise<string | undefined> {
  const existing = nearestExisting(folder);
  if (!(await stat(existing)).isDirectory()) return `${existing} is not a folder`;
  return access(existing, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
}
