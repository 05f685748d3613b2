import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { partialSuffix } from "../../backup/folder/manifest.ts";
import type { PreflightCheck } from "../check.ts";
import { nearestExisting } from "./backup-folder.ts";

export const unfinishedBackups: PreflightCheck = {
  id: "unfinished-backups",
  title: "unfinished backups",
  why: "it takes disk space, contains rows of the database, and cannot be restored",
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
            fact: `is not a complete backup; started ${mtime.toISOString()}`,
          },
          fix: `the next backup removes it if its process has ended; at once, if no backup is running: rm -r '${attempt.replaceAll("'", `'\\''`)}'`,
        };
      }),
    );
  },
};
