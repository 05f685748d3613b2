import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { partialSuffix } from "../../backup/folder/manifest.ts";
import type { Check } from "../check.ts";
import { nearestExisting } from "./backup-folder.ts";

export const unfinishedBackups: Check = {
  id: "unfinished-backups",
  title: "backups that were begun and not finished",
  why: "it takes space, holds rows of the database, and can be restored by nobody",
  stops: [],
  async find({ settings, folder }) {
    const backups = path.resolve(folder, settings.backups.folder);
    if (nearestExisting(backups) !== backups || !(await stat(backups)).isDirectory()) return [];
    const names = (await readdir(backups)).filter((name) => name.endsWith(partialSuffix));
    return Promise.all(
      names.map(async (name) => {
        const attempt = path.join(backups, name);
        const { mtime } = await stat(attempt);
        return {
          severity: "advisory" as const,
          what: {
            object: attempt,
            fact: `is no whole backup; it was begun ${mtime.toISOString()}`,
          },
          fix: `where no backup is being made now: rm -r '${attempt.replaceAll("'", `'\\''`)}'`,
        };
      }),
    );
  },
};
