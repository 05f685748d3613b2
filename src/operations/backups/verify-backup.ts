import { identityIn } from "../../backup/folder/encryption.ts";
import { readManifest } from "../../backup/folder/manifest.ts";
import { withBackup } from "../../backup/folder/open.ts";
import { listBackups } from "../../backup/folder/retention.ts";
import { compareWithBackup } from "../../backup/restore/compare.ts";
import { restoreBackup } from "../../backup/restore/restore.ts";
import { verifyBelongs } from "../../backup/same-database.ts";
import { readDatabaseIdentity } from "../../catalog/system-identifier.ts";
import { AppError } from "../../errors.ts";
import { readRuns } from "../../journal/journal.ts";
import { formatBytes, formatCount, formatDuration } from "../../number-formats.ts";
import type { StageName } from "../../steps/model/stage.ts";
import type { Caller } from "../context/caller.ts";
import { interruptible } from "../context/interruptible.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";
import { withScratch } from "../copy/scratch.ts";

export type VerifyBackupRequest = {
  /** A server to restore into, instead of one that is started here. */
  readonly scratch?: string | undefined;
  /** A file with age's identity, for a backup that is encrypted. */
  readonly identity?: string | undefined;
};

export type VerifiedBackup = {
  readonly folder: string;
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly restoredInto: string;
  readonly milliseconds: number;
  /** What of the schema was not compared. */
  readonly notes: readonly string[];
};

/**
 * Restores a backup elsewhere and compares schema, counts and checksums with what was backed up.
 * @throws AppError VERIFICATION_FAILED with the differences, BACKUP_DAMAGED, RESTORE_FAILED
 */
export function verifyBackup(
  caller: Pick<Caller, "listen">,
  folder: string,
  request: VerifyBackupRequest = {},
): Promise<VerifiedBackup> {
  return interruptible(caller, { what: folder, state: "nothing was changed" }, (signal) =>
    verifyByRestoring(folder, request, signal),
  );
}

/** What was found, for people. */
export function describeVerified(verified: VerifiedBackup): string {
  const { folder, tables, rows, bytes, restoredInto, milliseconds, notes } = verified;
  return `${folder} holds: restored into ${restoredInto} in ${formatDuration(milliseconds)}; the schema's fingerprint, and counts and checksums of ${formatCount(rows)} rows in ${tables} tables (${formatBytes(bytes)}), are the same${notes.map((note) => `\nnote: ${note}`).join("")}`;
}

/**
 * The backup that was made before a stage that is applied, or the newest of this database.
 * @throws AppError BACKUP_DAMAGED where a backup's age cannot be told: it may be the newest
 */
export async function findBackup(
  workspace: Workspace,
  stage: StageName | undefined,
): Promise<string> {
  const folder = fromConfig(workspace, workspace.settings.backups.folder);
  const { session } = workspace;
  if (stage === undefined) {
    const { backups, unreadable } = await listBackups(folder);
    for (const error of unreadable) throw error;
    const here = await readDatabaseIdentity(session);
    const newest = backups.find(
      ({ manifest: { database } }) =>
        database.name === here.name && database.system === here.system,
    );
    if (newest === undefined) throw noBackup(folder, `holds no backup of ${here.name}`);
    return newest.folder;
  }
  const run = (await readRuns(session)).findLast((one) => one.stage === stage);
  if (run === undefined) throw noBackup(stage, "was never begun, so it has no backup");
  const manifest = await readManifest(run.backupFolder);
  await verifyBelongs({ folder: run.backupFolder, manifest }, session, stage);
  return run.backupFolder;
}

function noBackup(object: string, fault: string): AppError {
  return new AppError({
    code: "BACKUP_FAILED",
    object,
    fault,
    state: "nothing was changed",
    next: "to make one: tenantry backup",
  });
}

/** The same, until the signal is aborted. */
export async function verifyByRestoring(
  folder: string,
  { scratch, identity }: VerifyBackupRequest,
  signal: AbortSignal,
): Promise<VerifiedBackup> {
  const started = performance.now();
  return withBackup(folder, identityIn(identity), (backup) => {
    const { manifest } = backup;
    return withScratch({ given: scratch, major: manifest.serverMajor }, async (lent) => {
      const { server, database, origin } = lent;
      await restoreBackup({ backup, server, database, jobs: 2, anyLocale: true, signal });
      const notes: string[] = [];
      const restored = { ...server, database };
      const differences = await compareWithBackup(backup, restored, (note) => notes.push(note));
      if (differences.length > 0) throw doesNotHold(folder, differences);
      const { tables } = manifest.contents;
      return {
        folder,
        tables: tables.length,
        rows: tables.reduce((sum, { rows }) => sum + rows, 0),
        bytes: manifest.totalBytes,
        restoredInto: origin,
        milliseconds: Math.round(performance.now() - started),
        notes,
      };
    });
  });
}

function doesNotHold(folder: string, differences: readonly string[]): AppError {
  return new AppError({
    code: "VERIFICATION_FAILED",
    object: folder,
    fault: `what it restores differs from what was backed up in ${differences.length} ${differences.length === 1 ? "place" : "places"}`,
    state: "nothing was changed; the copy that was restored is gone again",
    next: "do not rely on this backup; look at what is listed, and make another with tenantry backup",
    details: differences,
  });
}
