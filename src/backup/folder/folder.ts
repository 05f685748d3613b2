import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError, messageOf } from "../../errors.ts";
import { keepFromGit } from "../git/ignore.ts";
import { keptBackups } from "../git/kept-names.ts";
import { partialSuffix } from "./manifest.ts";

/** What Node throws where the operating system refused something. */
export const systemErrorSchema = z.object({ code: z.string(), syscall: z.string() });

/**
 * Makes the folder in which backups, what rollbacks keep and rehearsals land, where it is not there.
 * In the application's repository they would be one `git add .` away from everyone who can read it:
 * so git ignores them.
 * @param tell is told what was done for that in a folder that was there, or why it could not be
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
  const said = await keepFromGit(folder, keptBackups);
  if (said !== undefined) tell(said);
}

/**
 * Makes the folder to write into, still with its suffix, under a name that no backup has.
 * @param parent is made by `makeBackupsFolder`, which also says what `tell` is for
 * @returns its name without the suffix
 * @throws AppError BACKUP_FAILED when nothing can be written there
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
      if (!existsSync(folder)) return folder;
      await rmdir(partial);
    }
  } catch (error) {
    throw new AppError({
      code: "BACKUP_FAILED",
      object: parent,
      fault: `no backup can be written here: ${messageOf(error)}`,
      state: "nothing was changed: no backup, no stage",
      next: "name a folder that can be written in the configuration's backups.folder",
      cause: error,
    });
  }
}

/** Whether it was made: otherwise another attempt has it. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemErrorSchema.safeParse(error).data?.code === "EEXIST") return false;
    throw error;
  }
}

/** Gives a whole backup its name: from then on it is one. */
export async function finishFolder(folder: string): Promise<void> {
  const partial = `${folder}${partialSuffix}`;
  await syncFolder(partial);
  await rename(partial, folder);
  await syncFolder(path.dirname(folder));
}

/** Waits until the names in a folder are on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a failed attempt. What cannot be removed says so, and its name says that it is none. */
export async function removeAttempt(partial: string): Promise<string[]> {
  try {
    await rm(partial, { recursive: true, force: true });
    return [];
  } catch (error) {
    return [`what was begun is left in ${partial}: ${messageOf(error)}`];
  }
}
