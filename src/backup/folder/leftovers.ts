import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../errors.ts";
import { keptBackups, keptIn } from "../git/kept-names.ts";
import { partialSuffix } from "./manifest.ts";
import { ownerOf } from "./owner.ts";
import { unlessMissing } from "./system-error.ts";

/** If it is unknown whether a process still runs, its folder is kept until nothing has changed for this long. */
const silenceInMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Removes what processes that were killed left in the folder of backups: unfinished backups, and unfinished
 * row ownership of rollbacks.
 * @param tell gets a note about each
 */
export async function removeLeftovers(parent: string, tell: (text: string) => void): Promise<void> {
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const { name } = entry;
    const unfinished = entry.isDirectory() && name.endsWith(partialSuffix);
    if (!unfinished || !keptIn(keptBackups, name)) continue;
    const folder = path.join(parent, name);
    try {
      const because = await whyLeft(folder);
      if (because === undefined) continue;
      // Workers of a pg_dump that is just being ended may still write into it.
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
      tell(`removed ${folder}: it is unfinished, and ${because}`);
    } catch (error) {
      tell(`${folder} is unfinished, and could not be removed: ${messageOf(error)}`);
    }
  }
}

/** Why nobody writes a folder any more; undefined if somebody may. */
async function whyLeft(folder: string): Promise<string | undefined> {
  const owner = await ownerOf(folder);
  switch (owner) {
    case "running":
      return undefined;
    case "ended":
      return "its process has ended";
    case "unknown":
      return Date.now() - (await lastChange(folder)) > silenceInMilliseconds
        ? "nothing was written into it for a day"
        : undefined;
    default:
      return owner satisfies never;
  }
}

/** When anything in a folder was last written, in milliseconds. */
async function lastChange(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  const times = await Promise.all(
    [folder, ...entries.map((name) => path.join(folder, name))].map(async (file) => {
      const found = await unlessMissing(stat(file));
      return found?.mtimeMs ?? Date.now();
    }),
  );
  return Math.max(...times);
}
