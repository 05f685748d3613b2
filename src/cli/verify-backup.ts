import path from "node:path";
import { readSystem, verifyBelongs } from "../backup/belongs.ts";
import { compareWithBackup } from "../backup/compare.ts";
import { readManifest } from "../backup/manifest.ts";
import { withBackup } from "../backup/open.ts";
import { restoreBackup } from "../backup/restore.ts";
import { listBackups } from "../backup/retention.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { formatBytes, formatCount, formatDuration } from "../report/units.ts";
import type { StageName } from "../steps/stage.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { showResult } from "./output.ts";
import { withScratch } from "./scratch.ts";
import { fromConfig, takeTarget, type Workplace, withWorkplace } from "./workplace.ts";

export type VerifyBackupOptions = GlobalOptions & {
  /** A server to restore into, instead of one of our own. */
  readonly scratch?: string | undefined;
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

/** `tenantry backup verify [folder]`, and `tenantry [--stage dayN] --verify-backup`. */
export async function verifyBackupCommand(
  options: VerifyBackupOptions & {
    readonly folder?: string | undefined;
    readonly stage?: StageName | undefined;
  },
): Promise<void> {
  await verifyBackupIn(await folderOf(options), options);
}

/** Restores a backup elsewhere, compares, and says what was found. */
export async function verifyBackupIn(folder: string, options: VerifyBackupOptions): Promise<void> {
  const verified = await interruptible(folder, "nothing was changed", (signal) =>
    verifyByRestoring(folder, options, signal),
  );
  const result = { kind: "backup-verified", holds: true, ...verified } as const;
  showResult(options, result, () => `${describeVerified(verified)}\n`);
}

async function folderOf(options: Parameters<typeof verifyBackupCommand>[0]): Promise<string> {
  if (options.folder === undefined) {
    return withWorkplace(options, (workplace) => backupOf(workplace, options.stage));
  }
  // Nothing is asked of the database; but no program that is started inherits its password.
  takeTarget(options);
  return path.resolve(options.folder);
}

/** What was found, for people. */
export function describeVerified(verified: VerifiedBackup): string {
  const { folder, tables, rows, bytes, restoredInto, milliseconds, notes } = verified;
  return `${folder} holds: restored into ${restoredInto} in ${formatDuration(milliseconds)}; the schema's fingerprint, and counts and checksums of ${formatCount(rows)} rows in ${tables} tables (${formatBytes(bytes)}), are the same${notes.map((note) => `\nnote: ${note}`).join("")}`;
}

/**
 * The backup that a stage in force stands on, or the newest of this database.
 * @throws AppError BACKUP_DAMAGED where a backup's age cannot be told: it may be the newest
 */
export async function backupOf(
  workplace: Workplace,
  stage: StageName | undefined,
): Promise<string> {
  const folder = fromConfig(workplace, workplace.settings.backups.folder);
  const { session } = workplace;
  if (stage === undefined) {
    const { backups, unreadable } = await listBackups(folder);
    for (const error of unreadable) throw error;
    const here = await readSystem(session);
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
    next: "tenantry backup makes one",
  });
}

/**
 * Restores a backup where nothing is at stake, and compares schema, counts and checksums.
 * @throws AppError VERIFICATION_FAILED with the differences, BACKUP_DAMAGED, RESTORE_FAILED
 */
export async function verifyByRestoring(
  folder: string,
  { scratch, identity }: Pick<VerifyBackupOptions, "scratch" | "identity">,
  signal: AbortSignal,
): Promise<VerifiedBackup> {
  const started = performance.now();
  return withBackup(folder, identity, (backup) => {
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
