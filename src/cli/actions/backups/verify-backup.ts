import path from "node:path";
import {
  describeVerified,
  findBackup,
  type VerifyBackupRequest,
  verifyBackup,
} from "../../../operations/backups/verify-backup.ts";
import type { StageName } from "../../../steps/model/stage.ts";
import type { GlobalOptions } from "../../options.ts";
import { listenToSignals } from "../../signals.ts";
import { showResult } from "../../terminal/output.ts";
import { inWorkspace, takeTarget } from "../../workspace.ts";

type VerifyBackupOptions = GlobalOptions & VerifyBackupRequest;

/** `tenantry backup verify [folder]`, and `tenantry [--stage dayN] --verify-backup`. */
export async function verifyBackupCommand(
  options: VerifyBackupOptions & {
    readonly folder?: string | undefined;
    readonly stage?: StageName | undefined;
  },
): Promise<void> {
  await verifyBackupAndShow(await folderOf(options), options);
}

/** Restores a backup elsewhere, compares, and shows what was found. */
export async function verifyBackupAndShow(
  folder: string,
  options: VerifyBackupOptions,
): Promise<void> {
  const verified = await verifyBackup({ listen: listenToSignals }, folder, options);
  const result = { kind: "backup-verified", holds: true, ...verified } as const;
  showResult(options, result, () => `${describeVerified(verified)}\n`);
}

async function folderOf(options: Parameters<typeof verifyBackupCommand>[0]): Promise<string> {
  if (options.folder === undefined) {
    return inWorkspace(options, (workspace) => findBackup(workspace, options.stage));
  }
  // No session is opened; but no program that is started inherits the database's password.
  takeTarget(options);
  return path.resolve(options.folder);
}
