import { existsSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { askRepeatedly } from "../../repeatedly.ts";
import { systemErrorSchema } from "../folder/folder.ts";

/** How far a dump is: tables that were begun, of all, and bytes that are written. */
export type DumpProgress = {
  readonly tables: number;
  readonly ofTables: number;
  readonly bytes: number;
};

/** A table's data is a file of its own, which is there as soon as the table is begun. */
const dataFile = /^\d+\.dat/;

const lookEveryMilliseconds = 250;

/**
 * Looks at what is written, since pg_dump tells nobody how far it is, and brings it to the disk piece
 * by piece: pg_dump syncs all of it at its end, and where the server writes to the same disk, whoever
 * commits then waits for all of it.
 * @returns stop, which throws what kept it from looking, such as a disk that fails
 */
export function watchDump(
  folder: string,
  ofTables: number,
  onProgress: ((progress: DumpProgress) => void) | undefined,
): { stop(): Promise<void> } {
  const written = new Map<string, number>();
  return askRepeatedly(lookEveryMilliseconds, async () => {
    if (!existsSync(folder)) return;
    try {
      const names = (await readdir(folder)).filter((name) => dataFile.test(name));
      for (const name of names) {
        written.set(name, await bringToDisk(path.join(folder, name), written.get(name)));
      }
    } catch (error) {
      // A folder that goes away while it is looked at belongs to a dump that failed, which says so.
      if (systemErrorSchema.safeParse(error).data?.code === "ENOENT") return;
      throw error;
    }
    const bytes = [...written.values()].reduce((sum, size) => sum + size, 0);
    onProgress?.({ tables: Math.min(written.size, ofTables), ofTables, bytes });
  });
}

/** @returns the bytes of the file, which are on the disk now */
async function bringToDisk(file: string, known: number | undefined): Promise<number> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size !== known) await handle.datasync();
    return size;
  } finally {
    await handle.close();
  }
}
