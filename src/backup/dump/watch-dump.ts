import { existsSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { askRepeatedly } from "../../polling.ts";
import { systemErrorSchema } from "../folder/folder.ts";

/** The progress of a dump: tables started, tables in total, bytes written. */
export type DumpProgress = {
  readonly tables: number;
  readonly ofTables: number;
  readonly bytes: number;
};

/** Each table has its own file, which pg_dump creates when it starts the table. */
const dataFile = /^\d+\.dat/;

const intervalInMilliseconds = 250;

/**
 * Watches the files of a dump, because pg_dump reports no progress, and syncs them as they grow. pg_dump
 * syncs everything at its end; if the server uses the same disk, its commits would wait for all of it.
 * @returns stop, which throws the error that ended the watching, such as a failed disk
 */
export function watchDump(
  folder: string,
  ofTables: number,
  onProgress: ((progress: DumpProgress) => void) | undefined,
): { stop(): Promise<void> } {
  const written = new Map<string, number>();
  return askRepeatedly(intervalInMilliseconds, async () => {
    if (!existsSync(folder)) return;
    try {
      const names = (await readdir(folder)).filter((name) => dataFile.test(name));
      for (const name of names) {
        written.set(name, await syncFile(path.join(folder, name), written.get(name)));
      }
    } catch (error) {
      // The folder was removed meanwhile: the dump has failed, and reports why.
      if (systemErrorSchema.safeParse(error).data?.code === "ENOENT") return;
      throw error;
    }
    const bytes = [...written.values()].reduce((sum, size) => sum + size, 0);
    onProgress?.({ tables: Math.min(written.size, ofTables), ofTables, bytes });
  });
}

/** Syncs a file if its size changed. @returns its size in bytes */
async function syncFile(file: string, known: number | undefined): Promise<number> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size !== known) await handle.datasync();
    return size;
  } finally {
    await handle.close();
  }
}
