import { createHash } from "node:crypto";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError, messageOf } from "../../errors.ts";
import { runNameSchema } from "../../steps/model/stage.ts";
import { contentsSchema } from "../dump/contents.ts";

export const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const manifestSchema = z.object({
  format: z.literal(1),
  /** Null for a backup that was made outside of a stage. */
  stage: runNameSchema.nullable(),
  madeAt: z.iso.datetime(),
  database: z.object({
    host: z.string(),
    port: z.number(),
    name: z.string(),
    /** The cluster's system identifier; a standby shares its primary's. */
    system: z.string(),
  }),
  serverVersion: z.string(),
  serverMajor: z.number(),
  pgDumpVersion: z.string(),
  tenantryVersion: z.string(),
  /** The WAL position at the snapshot; on a standby, the last replayed one. */
  lsn: z.string(),
  /** The schema's fingerprint; its entries are in fingerprint.json. */
  fingerprint: z.string(),
  /** Exact row counts and checksums of the dumped snapshot. */
  contents: contentsSchema,
  /** What a restore of this backup does not bring back, in words. */
  leftOut: z.array(z.string()),
  /** Age's public keys that the files are encrypted for; empty if they are not encrypted. */
  recipients: z.array(z.string()),
  gitTag: z.string().nullable(),
  totalBytes: z.number(),
  files: z.array(fileSchema),
});

/** What a backup contains, with the checksums of its files. */
export type Manifest = z.output<typeof manifestSchema>;

export const manifestName = "manifest.json";

/** Tells whose an unfinished backup is; it belongs to no complete one. */
export const processName = "process";

/** The end of the name of a backup's folder until the backup is complete. */
export const partialSuffix = ".partial";

type Entry = { readonly name: string; readonly plain: boolean };

/** Every file under a folder by relative path, sorted. */
async function listEntries(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({
      name: path.relative(folder, path.join(entry.parentPath, entry.name)),
      plain: entry.isFile(),
    }))
    .filter(({ name }) => name !== manifestName && name !== processName)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

const pieceInBytes = 1024 * 1024;

async function describeFile(folder: string, name: string): Promise<Manifest["files"][number]> {
  const hash = createHash("sha256");
  let bytes = 0;
  const file = await open(path.join(folder, name));
  try {
    // One buffer for the whole file: the chunks of a stream would use memory until they are collected.
    const buffer = Buffer.allocUnsafe(pieceInBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
  return { path: name, bytes, sha256: hash.digest("hex") };
}

/** Size and SHA-256 of every file under a folder by relative path, sorted. */
export async function describeFiles(folder: string): Promise<Manifest["files"]> {
  const described: Manifest["files"] = [];
  for (const { name, plain } of await listEntries(folder)) {
    if (plain) described.push(await describeFile(folder, name));
  }
  return described;
}

/** Writes the manifest and waits until it is on the disk. */
export async function writeManifest(folder: string, manifest: object): Promise<void> {
  await writeFile(path.join(folder, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
}

/** Compares every file under a folder with its manifest. @returns the missing, altered and extra files */
export async function compareFiles(
  folder: string,
  files: Manifest["files"],
): Promise<readonly string[]> {
  const found = new Map((await listEntries(folder)).map((entry) => [entry.name, entry]));
  const faults: string[] = [];
  for (const file of files) {
    const entry = found.get(file.path);
    found.delete(file.path);
    if (entry === undefined) {
      faults.push(`missing: ${file.path}`);
      continue;
    }
    if (!entry.plain) {
      faults.push(`altered: ${file.path} is not a regular file`);
      continue;
    }
    const { bytes, sha256 } = await describeFile(folder, file.path);
    if (bytes !== file.bytes) {
      faults.push(`altered: ${file.path} has ${bytes} bytes and had ${file.bytes}`);
    } else if (sha256 !== file.sha256) faults.push(`altered: ${file.path}`);
  }
  faults.push(...[...found.keys()].map((name) => `not in the manifest: ${name}`));
  return faults;
}

/**
 * Reads a backup's manifest and compares every file with it.
 * @throws AppError BACKUP_DAMAGED naming what is missing, altered or extra
 */
export async function verifyBackup(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const faults = await compareFiles(folder, manifest.files);
  if (faults.length > 0) throw damaged(folder, "differs from its manifest", faults);
  return manifest;
}

/**
 * Reads a backup's manifest, and does not compare the files: see `verifyBackup`.
 * @throws AppError BACKUP_DAMAGED when there is no manifest, or the backup is unfinished
 */
export async function readManifest(folder: string): Promise<Manifest> {
  if (path.resolve(folder).endsWith(partialSuffix)) {
    throw damaged(folder, "is not a backup: it is unfinished", []);
  }
  try {
    const text = await readFile(path.join(folder, manifestName), "utf8");
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(folder, "has no readable manifest", whyUnreadable(error));
  }
}

/** Why a file of a backup cannot be read, line by line. */
export function whyUnreadable(error: unknown): readonly string[] {
  const fault = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
  return fault.split("\n");
}

/** The error for a backup that is damaged. */
export function damaged(folder: string, fault: string, details: readonly string[]): AppError {
  return new AppError({
    code: "BACKUP_DAMAGED",
    object: folder,
    fault,
    state: "nothing was changed",
    next: "use another backup: tenantry backup list",
    details,
  });
}
