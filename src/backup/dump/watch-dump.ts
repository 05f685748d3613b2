import { existsSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { askRepeatedly } from "../../polling.ts";
import { systemCode } from "../folder/system-error.ts";

/** The progress of a dump: tables started, tables in total, bytes written. */
export type DumpProgress = {
  /** Null if the dump is one file, which does not show its tables. */
  readonly tables: number | null;
  readonly ofTables: number;
  readonly bytes: number;
};

/** What pg_dump writes: a folder with a file for each table, which it creates when it starts the table; or one file. */
export type DumpOutput = { readonly kind: "folder" | "file"; readonly path: string };

const dataFile = /^\d+\.dat/;

const intervalInMilliseconds = 250;

/**
 * Watches the files of a dump, because pg_dump reports no progress, and syncs them as they grow. Otherwise
 * everything is synced at the end; if the server uses the same disk, its commits would wait for all of it.
 * @returns stop, which throws the error that ended the watching, such as a failed disk
 */
export function watchDump(
  output: DumpOutput,
  ofTables: number,
  onProgress: ((progress: DumpProgress) => void) | undefined,
): { stop(): Promise<void> } {
  const written = new Map<string, number>();
  return askRepeatedly(intervalInMilliseconds, async () => {
    if (!existsSync(output.path)) return;
    try {
      for (const file of await filesOf(output)) {
        written.set(file, await syncFile(file, written.get(file)));
      }
    } catch (error) {
      // It was removed meanwhile: the dump has failed, and reports why.
      if (systemCode(error) === "ENOENT") return;
      throw error;
    }
    const bytes = [...written.values()].reduce((sum, size) => sum + size, 0);
    const tables = output.kind === "file" ? null : Math.min(written.size, ofTables);
    onProgress?.({ tables, ofTables, bytes });
  });
}

async function filesOf(output: DumpOutput): Promise<string[]> {
  switch (output.kind) {
    case "file":
      return [output.path];
    case "folder": {
      const names = await readdir(output.path);
      return names
        .filter((name) => dataFile.test(name))
        .map((name) => path.join(output.path, name));
    }
    default:
      return output.kind satisfies never;
  }
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
