import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { stageNames } from "../steps/stage.ts";

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const manifestSchema = z.object({
  format: z.literal(1),
  stage: z.enum(stageNames),
  madeAt: z.iso.datetime(),
  database: z.object({ host: z.string(), port: z.number(), name: z.string() }),
  serverVersion: z.string(),
  pgDumpMajor: z.number(),
  tenantryVersion: z.string(),
  /** The write-ahead log's position at the snapshot. */
  lsn: z.string(),
  /** The schema's fingerprint. */
  fingerprint: z.string(),
  /** Exact counts of the snapshot that was dumped, by schema and table. */
  rowCounts: z.array(z.object({ schema: z.string(), table: z.string(), rows: z.number() })),
  gitTag: z.string().nullable(),
  files: z.array(fileSchema),
});

/** What a backup is, and how to tell that it still is. */
export type Manifest = z.output<typeof manifestSchema>;

export const manifestName = "manifest.json";

/** Size and SHA-256 of every file under a folder, by relative path, in order. */
export async function describeFiles(folder: string): Promise<Manifest["files"]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((name) => name !== manifestName)
    .sort();
  const described: Manifest["files"] = [];
  for (const name of files) {
    const file = path.join(folder, name);
    const hash = createHash("sha256");
    await pipeline(createReadStream(file), hash);
    described.push({ path: name, bytes: (await stat(file)).size, sha256: hash.digest("hex") });
  }
  return described;
}

/** Writes the manifest and waits until it is on the disk. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const file = await open(path.join(folder, manifestName), "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Reads a backup's manifest and compares every file with it.
 * @throws AppError BACKUP_FAILED naming what is missing, altered or extra
 */
export async function verifyBackup(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const found = new Map((await describeFiles(folder)).map((file) => [file.path, file]));
  const faults: string[] = [];
  for (const file of manifest.files) {
    const now = found.get(file.path);
    found.delete(file.path);
    if (now === undefined) faults.push(`missing: ${file.path}`);
    else if (now.bytes !== file.bytes) {
      faults.push(`altered: ${file.path} has ${now.bytes} bytes and had ${file.bytes}`);
    } else if (now.sha256 !== file.sha256) faults.push(`altered: ${file.path}`);
  }
  faults.push(...[...found.keys()].map((name) => `not in the manifest: ${name}`));
  if (faults.length > 0) throw damaged(folder, "is not as it was made", faults);
  return manifest;
}

async function readManifest(folder: string): Promise<Manifest> {
  try {
    const text = await readFile(path.join(folder, manifestName), "utf8");
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(folder, "has no manifest that can be read", [
      error instanceof Error ? error.message : String(error),
    ]);
  }
}

function damaged(folder: string, fault: string, details: readonly string[]): AppError {
  return new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault,
    state: "nothing was changed",
    next: "use another backup",
    details,
  });
}
