import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../../errors.ts";
import { attributionSuffix } from "./layout.ts";
import { type Manifest, manifestName, partialSuffix, readManifest } from "./manifest.ts";

export type FoundBackup = { readonly folder: string; readonly manifest: Manifest };

export type BackupList = {
  /** The newest first. */
  readonly backups: readonly FoundBackup[];
  /** The errors of backups whose manifests are damaged. */
  readonly unreadable: readonly AppError[];
};

/**
 * The complete backups in a folder.
 * @throws AppError BACKUP_FAILED when the folder cannot be read, or is not a folder
 */
export async function listBackups(folder: string): Promise<BackupList> {
  if (!existsSync(folder)) return { backups: [], unreadable: [] };
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new AppError({
      code: "BACKUP_FAILED",
      object: folder,
      fault: `the folder of backups cannot be read: ${messageOf(error)}`,
      state: "nothing was changed",
      next: "fix that, or set backups.folder to the folder of the backups in the configuration",
      cause: error,
    });
  });
  const backups: FoundBackup[] = [];
  const unreadable: AppError[] = [];
  for (const entry of entries) {
    const backup = path.join(folder, entry.name);
    const other = [partialSuffix, attributionSuffix].some((suffix) => entry.name.endsWith(suffix));
    if (!entry.isDirectory() || other) continue;
    if (!existsSync(path.join(backup, manifestName))) continue;
    try {
      backups.push({ folder: backup, manifest: await readManifest(backup) });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      unreadable.push(error);
    }
  }
  backups.sort((one, other) => (one.manifest.madeAt < other.manifest.madeAt ? 1 : -1));
  return { backups, unreadable };
}

/** A line about an unreadable backup that is skipped. */
export function describeUnreadable({ object, fault }: AppError): string {
  return `${object} ${fault}: skipped; not deleted`;
}

/**
 * Removes the oldest backups of a database's stage beyond the newest few.
 * @param needed folders that are kept whatever their age: applied stages use them
 * @returns the folders that were removed, and the backups that could not be read
 */
export async function removeOldBackups(
  made: FoundBackup,
  keep: number,
  needed: readonly string[],
): Promise<{ removed: readonly string[]; unreadable: readonly AppError[] }> {
  const { database, stage } = made.manifest;
  const { backups, unreadable } = await listBackups(path.dirname(made.folder));
  const others = backups.filter(
    ({ manifest }) =>
      manifest.stage === stage &&
      manifest.database.name === database.name &&
      manifest.database.system === database.system,
  );
  const removed: string[] = [];
  for (const { folder } of others.slice(keep)) {
    if (folder === made.folder || needed.includes(folder)) continue;
    await rm(folder, { recursive: true });
    removed.push(folder);
  }
  return { removed, unreadable };
}
