import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, diskFix, messageOf } from "../../errors.ts";
import { keepFromGit } from "../git/ignore.ts";
import { keptBackups } from "../git/kept-names.ts";
import { removeLeftovers } from "./leftovers.ts";
import { partialSuffix, processName } from "./manifest.ts";
import { signFolder } from "./owner.ts";
import { systemCode } from "./system-error.ts";

/**
 * Creates the folder of backups, of the row ownership that rollbacks save, and of rehearsals, if it does
 * not exist, and removes what killed processes left there. It may be in the application's repository, so git must ignore it: `git add .` would publish
 * rows of the database.
 * @param tell gets a note if an existing folder's `.gitignore` was changed, or could not be, and about what
 * was left
 */
export async function makeBackupsFolder(
  folder: string,
  tell: (text: string) => void,
): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) {
    await writeFile(path.join(folder, ".gitignore"), "*\n");
    return;
  }
  const note = await keepFromGit(folder, keptBackups);
  if (note !== undefined) tell(note);
  await removeLeftovers(folder, tell);
}

/**
 * Creates the `.partial` folder of a new backup, under a name that no other backup has.
 * @param parent is created by `makeBackupsFolder`, which also gets `tell`
 * @returns the folder's name without the suffix
 * @throws AppError BACKUP_FAILED when the folder cannot be written
 */
export async function reserveFolder(
  parent: string,
  name: string,
  tell: (text: string) => void,
): Promise<string> {
  try {
    await makeBackupsFolder(parent, tell);
    for (let number = 1; ; number += 1) {
      const folder = path.join(parent, number === 1 ? name : `${name}-${number}`);
      const partial = `${folder}${partialSuffix}`;
      if (!(await makeFolder(partial))) continue;
      if (!existsSync(folder)) {
        await signFolder(partial);
        return folder;
      }
      await rmdir(partial);
    }
  } catch (error) {
    throw new AppError({
      code: "BACKUP_FAILED",
      object: parent,
      fault: `no backup can be written here: ${messageOf(error)}`,
      state: "nothing was changed: no stage begins without a backup",
      next: diskFix(error, elsewhere) ?? `make it writable, or ${elsewhere}`,
      cause: error,
    });
  }
}

const elsewhere = "set backups.folder to another folder in the configuration";

/** Whether the folder was created: otherwise another backup has created it. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Gives a complete backup its final name. */
export async function finishFolder(folder: string): Promise<void> {
  const partial = `${folder}${partialSuffix}`;
  await syncFolder(partial);
  await rename(partial, folder);
  // After the name: until then, a kill leaves a folder that another process knows is left.
  await rm(path.join(folder, processName), { force: true });
  await syncFolder(path.dirname(folder));
}

/** Syncs a folder, so that the names of its files are on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes an unfinished backup. @returns a line about what could not be removed; its name still ends in .partial */
export async function removeAttempt(partial: string): Promise<string[]> {
  try {
    await rm(partial, { recursive: true, force: true });
    return [];
  } catch (error) {
    return [`the unfinished backup ${partial} could not be removed: ${messageOf(error)}`];
  }
}
