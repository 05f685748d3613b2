import { constants, existsSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../errors.ts";
import type { Check } from "../check.ts";

export const backupFolder: Check = {
  id: "backup-folder",
  title: "a folder for backups that can be written, or made",
  why: "no stage begins without its backup",
  stops: [],
  async find({ settings, folder }) {
    const wanted = path.resolve(folder, settings.backups.folder);
    const refused = await whyNotWritten(wanted);
    if (refused === undefined) return [];
    return [
      {
        severity: "blocking",
        what: { object: wanted, fact: refused },
        fix: "name a folder that can be written in the configuration's backups.folder",
      },
    ];
  },
};

/** The folder is made by the first backup; until then what is above it counts. */
export function nearestExisting(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder
    ? folder
    : nearestExisting(path.dirname(folder));
}

/** Why nothing could be written in a folder that is there or is to be made; undefined where it could. */
export async function whyNotWritten(folder: string): Promise<string | undefined> {
  const place = nearestExisting(folder);
  if (!(await stat(place)).isDirectory()) return `${place} is no folder`;
  return access(place, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
}
