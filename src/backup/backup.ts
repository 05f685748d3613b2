import { writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, diskFix, messageOf } from "../errors.ts";
import { isConnectionLoss, sqlState, targetParts } from "../postgres/connection.ts";
import type { RunName } from "../steps/model/stage.ts";
import { version } from "../version.ts";
import { globalsScript } from "./dump/globals.ts";
import { type SnapshotRequest, takeSnapshot } from "./dump/snapshot.ts";
import { encryptedSuffix, encryptionFor } from "./folder/encryption.ts";
import { finishFolder, removeAttempt, reserveFolder } from "./folder/folder.ts";
import { parts } from "./folder/layout.ts";
import { describeFiles, type Manifest, partialSuffix, writeManifest } from "./folder/manifest.ts";
import { systemCode } from "./folder/system-error.ts";

export type BackupRequest = SnapshotRequest & {
  /** Null for a backup that is made outside of a stage. */
  readonly stage: RunName | null;
  /** The folder of backups; it is created if it does not exist. */
  readonly folder: string;
  /** Age's public keys to encrypt for. */
  readonly recipients?: readonly string[];
  /** Tags the application's repository. It gets the backup's folder and returns the tag's name. */
  readonly tag: (folder: string) => Promise<string | null>;
  /** Further files by name, which are not encrypted: the rollback script. */
  readonly files: Readonly<Record<string, Iterable<string>>>;
  /** Gets notes for the person who runs the command. */
  readonly notify?: (text: string) => void;
};

export type Backup = {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly bytes: number;
};

/**
 * Backs up a database: dump, row counts and checksums of one snapshot, what `pg_dump` leaves out, and a
 * manifest of all files. Until the backup is complete, its folder's name ends in `.partial`, so that an
 * unfinished backup is never used as one.
 * @throws AppError BACKUP_FAILED or BACKUP_TOOL_MISSING; the unfinished folder is removed
 */
export async function backUp(request: BackupRequest): Promise<Backup> {
  const recipients = request.recipients ?? [];
  const encryption = await encryptionFor(recipients);
  const madeAt = new Date().toISOString();
  const name = `${request.stage ?? "manual"}-${madeAt.replaceAll(/[-:]|\.\d+/g, "")}`;
  const folder = await reserveFolder(request.folder, name, request.notify ?? (() => undefined));
  const partial = `${folder}${partialSuffix}`;
  try {
    const gitTag = await request.tag(folder);
    const { facts, globals, fingerprint } = await takeSnapshot(request, {
      folder: partial,
      encryption,
    });
    const { host, port, database } = targetParts(request.target);
    const write = (file: string, content: string | Uint8Array | Iterable<string>) =>
      writeFile(path.join(partial, file), content, { mode: 0o600, flush: true });
    for (const [file, text] of [
      [parts.globals, JSON.stringify(globals)],
      [parts.globalsScript, globalsScript(globals, database)],
      [parts.fingerprint, JSON.stringify(fingerprint)],
    ] as const) {
      if (encryption === undefined) await write(file, text);
      else await write(`${file}${encryptedSuffix}`, await encryption.text(text));
    }
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

/** What a restore of a backup does not bring back. */
const leftOut: string[] = [
  "passwords of roles",
  "rows of foreign tables",
  "rows of tables that belong to extensions, except those that the extension marks for dumps",
  "replication slots, and the state of subscriptions",
  "invalid indexes of failed builds",
  "the planner's statistics (ANALYZE collects them again)",
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
  const isExternal =
    sqlState(error) !== undefined || isConnectionLoss(error) || systemCode(error) !== undefined;
  if (!isExternal) return error;
  return new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `the backup failed: ${messageOf(error)}`,
    state: "nothing was changed: no stage begins without a backup",
    next:
      sqlState(error) === "42501"
        ? "connect as a role that can read every row of every table (a superuser, or BYPASSRLS with SELECT), then run the same command again"
        : (diskFix(error, "set backups.folder to a folder on another disk in the configuration") ??
          "fix the cause above, then run the same command again"),
    details: left,
    cause: error,
  });
}
