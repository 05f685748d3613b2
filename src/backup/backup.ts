import { writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../errors.ts";
import { isConnectionLoss, sqlState, targetParts } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import { version } from "../version.ts";
import { globalsScript } from "./dump/globals.ts";
import { type SnapshotRequest, takeSnapshot } from "./dump/snapshot.ts";
import { encrypterFor, encryptFolder } from "./folder/encryption.ts";
import { finishFolder, removeAttempt, reserveFolder, systemErrorSchema } from "./folder/folder.ts";
import { parts } from "./folder/layout.ts";
import { describeFiles, type Manifest, partialSuffix, writeManifest } from "./folder/manifest.ts";

export type BackupRequest = SnapshotRequest & {
  /** Null for a backup that is made without a stage. */
  readonly stage: StageName | null;
  /** Where backups land; made where it is not there. */
  readonly folder: string;
  /** Age's public keys to encrypt for. */
  readonly recipients?: readonly string[];
  /** Tags the application's repository, told where the backup will be; gives the tag's name. */
  readonly tag: (folder: string) => Promise<string | null>;
  /** Further files, by name, which stay in clear: the rollback script. */
  readonly files: Readonly<Record<string, Iterable<string>>>;
  /** Told what a person should know. */
  readonly notify?: (text: string) => void;
};

export type Backup = {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly bytes: number;
};

/**
 * Backs a database up: dump, counts and checksums of the same snapshot, what `pg_dump` leaves out, and
 * a manifest of all files. Until it is whole its folder ends in `.partial`, so that half a backup is
 * never taken for one.
 * @throws AppError BACKUP_FAILED or BACKUP_TOOL_MISSING; what was begun is removed
 */
export async function backUp(request: BackupRequest): Promise<Backup> {
  const recipients = request.recipients ?? [];
  if (recipients.length > 0) await encrypterFor(recipients);
  const madeAt = new Date().toISOString();
  const name = `${request.stage ?? "manual"}-${madeAt.replaceAll(/[-:]|\.\d+/g, "")}`;
  const folder = await reserveFolder(request.folder, name, request.notify ?? (() => undefined));
  const partial = `${folder}${partialSuffix}`;
  try {
    const gitTag = await request.tag(folder);
    const { facts, globals, fingerprint } = await takeSnapshot(request, partial);
    const { host, port, database } = targetParts(request.target);
    const write = (file: string, content: string | Iterable<string>) =>
      writeFile(path.join(partial, file), content, { mode: 0o600, flush: true });
    await write(parts.globals, JSON.stringify(globals));
    await write(parts.globalsScript, globalsScript(globals, database));
    await write(parts.fingerprint, JSON.stringify(fingerprint));
    if (recipients.length > 0) await encryptFolder(path.join(partial, parts.content), recipients);
    for (const [file, content] of Object.entries(request.files)) await write(file, content);
    request.signal?.throwIfAborted();
    const files = await describeFiles(partial);
    const { system, ...measured } = facts;
    const manifest: Manifest = {
      format: 1,
      stage: request.stage,
      madeAt,
      database: { host, port, name: database, system },
      tenantryVersion: version,
      fingerprint: fingerprint.digest,
      leftOut: [...leftOut],
      recipients: [...recipients],
      gitTag,
      ...measured,
      totalBytes: files.reduce((sum, file) => sum + file.bytes, 0),
      files,
    };
    await writeManifest(partial, manifest);
    await finishFolder(folder);
    return { folder, manifest, bytes: manifest.totalBytes };
  } catch (error) {
    const left = await removeAttempt(partial);
    throw backupFailed(request, error, left);
  }
}

/** What `pg_dump` and what is recorded beside it do not bring back. */
const leftOut: string[] = [
  "passwords of roles",
  "rows of foreign tables",
  "rows of extensions' own tables, but those that the extension marks for dumps",
  "replication slots, and the state of subscriptions",
  "indexes that a failed build left invalid",
  "the planner's statistics (ANALYZE makes them again)",
  "contents of materialized views (a restore refreshes them)",
];

function backupFailed({ folder }: BackupRequest, error: unknown, left: readonly string[]): unknown {
  if (error instanceof AppError) {
    if (left.length === 0) return error;
    const { code, object, fault, state, next, details, cause } = error;
    return new AppError({
      ...{ code, object, fault, state, next, cause },
      details: [...details, ...left],
    });
  }
  const fromOutside =
    sqlState(error) !== undefined ||
    isConnectionLoss(error) ||
    systemErrorSchema.safeParse(error).success;
  if (!fromOutside) return error;
  return new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `the backup could not be finished: ${messageOf(error)}`,
    state: "nothing was changed: no backup, no stage",
    next:
      sqlState(error) === "42501"
        ? "connect as a role that may read every table, past every policy"
        : "fix that and run the same command again",
    details: left,
    cause: error,
  });
}
