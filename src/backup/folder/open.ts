import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import type { z } from "zod";
import { type Fingerprint, fingerprintSchema } from "../../catalog/fingerprint/fingerprint.ts";
import { AppError } from "../../errors.ts";
import { type Globals, globalsSchema } from "../dump/globals.ts";
import { decryptFolder, decryptionOf, encryptedSuffix, type Identity } from "./encryption.ts";
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
  readonly dump: Dump;
};

/** Where pg_restore gets a dump from. */
export type Dump =
  | { readonly kind: "folder"; readonly path: string }
  /** An encrypted file, which is decrypted while it is read, so that nothing of it is on the disk in clear. */
  | { readonly kind: "stream"; readonly read: () => Promise<Readable> };

/**
 * Opens a backup. Every file is compared with the manifest first. An encrypted dump is decrypted while it is
 * restored. Of one that was made before the first release, which is a folder of encrypted files, this makes
 * a decrypted copy in a temporary folder, which is removed when the work is done or this process ends.
 * @throws AppError BACKUP_DAMAGED naming the missing, altered or extra files; BACKUP_FAILED when a file
 * cannot be decrypted
 */
export async function withBackup<Result>(
  folder: string,
  identity: Identity | undefined,
  work: (backup: OpenBackup) => Promise<Result>,
): Promise<Result> {
  const manifest = await verifyBackup(folder);
  if (manifest.recipients.length === 0) {
    const dump = { kind: "folder", path: path.join(folder, parts.dump) } as const;
    const text = (file: string) => readFile(path.join(folder, file), "utf8");
    return work(await read({ folder, manifest, text, dump }));
  }
  const decryption = await decryptionOf(path.join(folder, parts.content), identity);
  const text = (file: string) => decryption.text(path.join(folder, `${file}${encryptedSuffix}`));
  if (manifest.files.some((file) => file.path === parts.encryptedDump)) {
    const stream = () => decryption.read(path.join(folder, parts.encryptedDump));
    return work(await read({ folder, manifest, text, dump: { kind: "stream", read: stream } }));
  }
  const clear = await makeWatchedFolder();
  try {
    await decryptFolder(path.join(folder, parts.dump), clear.path, decryption);
    const dump = { kind: "folder", path: clear.path } as const;
    return await work(await read({ folder, manifest, text, dump }));
  } finally {
    await clear.remove();
  }
}

type Found = Pick<OpenBackup, "folder" | "manifest" | "dump"> & {
  /** Reads one of the backup's files. */
  readonly text: (file: string) => Promise<string>;
};

async function read({ folder, manifest, dump, text }: Found): Promise<OpenBackup> {
  const parse = async <Schema extends z.ZodType>(
    file: string,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    try {
      return schema.parse(JSON.parse(await text(file)));
    } catch (error) {
      if (error instanceof AppError) throw error;
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
    dump,
  };
}
