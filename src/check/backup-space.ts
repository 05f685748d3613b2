import { existsSync } from "node:fs";
import path from "node:path";
import { readTableBytes, verifySpace } from "../backup/space.ts";
import type { Check } from "./check.ts";

export const backupSpace: Check = {
  id: "backup-space",
  title: "space for the backup in the configured folder",
  why: "no stage begins without its backup",
  stops: [],
  async find({ queries, settings, folder }) {
    const { backups } = settings;
    const bytes = await readTableBytes(queries);
    await verifySpace(existing(path.resolve(folder, backups.folder)), bytes, backups.compression);
    return [];
  },
};

/** The folder is made by the first backup; until then its disk is the one of a folder above. */
function existing(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder
    ? folder
    : existing(path.dirname(folder));
}
