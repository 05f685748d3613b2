import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../errors.ts";
import { messageOf } from "./folder.ts";
import { attributionSuffix } from "./layout.ts";
import { type Manifest, manifestName, partialSuffix, readManifest } from "./manifest.ts";

export type FoundBackup = { readonly folder: string; readonly manifest: Manifest };

/**
 * The whole backups in a folder, the newest first.
 * @throws AppError BACKUP_FAILED when the folder cannot be read, or is none
 */
export async function listBackups(folder: string): Promise<FoundBackup[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new AppError({
      code: "BACKUP_FAILED",
      object: folder,
      fault: `no backups can be looked for here: ${messageOf(error)}`,
      state: "nothing was changed",
      next: "name the folder that they are in, in the configuration's backups.folder",
      cause: error,
    });
  });
  const found: FoundBackup[] = [];
  for (const entry of entries) {
    const backup = path.join(folder, entry.name);
    const other = [partialSuffix, attributionSuffix].some((suffix) => entry.name.endsWith(suffix));
    if (!entry.isDirectory() || other) continue;
    if (!existsSync(path.join(backup, manifestName))) continue;
    found.push({ folder: backup, manifest: await readManifest(backup) });
  }
  return found.sort((one, other) => (one.manifest.madeAt < other.manifest.madeAt ? 1 : -1));
}

/**
 * Removes the oldest backups of a database's stage beyond the newest few.
 * @param needed folders that stay whatever their age: the journal's runs in force stand on them
 * @returns the folders that were removed
 */
export async function removeOldBackups(
  made: FoundBackup,
  keep: number,
  needed: readonly string[],
): Promise<string[]> {
  const { database, stage } = made.manifest;
  const others = (await listBackups(path.dirname(made.folder))).filter(
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
  return removed;
}
