import path from "node:path";
import { readTableBytes, verifySpace } from "../../backup/dump/space.ts";
import type { PreflightCheck } from "../check.ts";
import { nearestExisting } from "./backup-folder.ts";

export const backupSpace: PreflightCheck = {
  id: "backup-space",
  title: "free disk space for the backup in the configured folder",
  why: "no stage starts without a backup",
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
