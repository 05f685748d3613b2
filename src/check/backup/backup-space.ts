import path from "node:path";
import { readTableBytes, verifySpace } from "../../backup/dump/space.ts";
import type { Check } from "../check.ts";
import { nearestExisting } from "./backup-folder.ts";

export const backupSpace: Check = {
  id: "backup-space",
  title: "space for the backup in the configured folder",
  why: "no stage begins without its backup",
  stops: [],
  async find({ queries, settings, folder }) {
    const { backups } = settings;
    const bytes = await readTableBytes(queries);
    await verifySpace(
      nearestExisting(path.resolve(folder, backups.folder)),
      bytes,
      backups.compression,
    );
    return [];
  },
};
