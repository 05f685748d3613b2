import { readFile } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { type Fingerprint, fingerprintSchema } from "../../catalog/fingerprint/fingerprint.ts";
import { type Globals, globalsSchema } from "../dump/globals.ts";
import { decryptFolder } from "./encryption.ts";
import { parts } from "./layout.ts";
import { damaged, type Manifest, verifyBackup, whyUnreadable } from "./manifest.ts";
import { makeWatchedFolder } from "./watched-folder.ts";

/** A backup whose files match its manifest, decrypted. */
export type OpenBackup = {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly globals: Globals;
  readonly fingerprint: Fingerprint;
  readonly serverMajor: number;
  /** The major of the pg_dump that wrote it; an older pg_restore cannot read it. */
  readonly dumpMajor: number;
  /** The folder of the dump. */
  readonly dump: string;
};

/**
 * Opens a backup. Every file is compared with the manifest first. An encrypted backup is decrypted into a
 * temporary folder, which is removed when the work is done or this process ends.
 * @throws AppError BACKUP_DAMAGED naming the missing, altered or extra files; BACKUP_FAILED when a file
 * cannot be decrypted
 */
export async function withBackup<Result>(
  folder: string,
  identityFile: string | undefined,
  work: (backup: OpenBackup) => Promise<Result>,
): Promise<Result> {
  const manifest = await verifyBackup(folder);
  if (manifest.recipients.length === 0) return work(await read(folder, folder, manifest));
  const clear = await makeWatchedFolder();
  try {
    const content = path.join(clear.path, parts.content);
    await decryptFolder(path.join(folder, parts.content), content, identityFile);
    return await work(await read(folder, clear.path, manifest));
  } finally {
    await clear.remove();
  }
}

async function read(folder: string, clear: string, manifest: Manifest): Promise<OpenBackup> {
  const parse = async <Schema extends z.ZodType>(
    file: string,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    try {
      return schema.parse(JSON.parse(await readFile(path.join(clear, file), "utf8")));
    } catch (error) {
      throw damaged(folder, `has no readable ${file}`, whyUnreadable(error));
    }
  };
  return {
    folder,
    manifest,
    serverMajor: manifest.serverMajor,
    dumpMajor: Number.parseInt(manifest.pgDumpVersion, 10) || manifest.serverMajor,
    globals: await parse(parts.globals, globalsSchema),
    fingerprint: await parse(parts.fingerprint, fingerprintSchema),
    dump: path.join(clear, parts.dump),
  };
}
