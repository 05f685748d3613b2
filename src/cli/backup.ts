import { type Backup, backUp } from "../backup/backup.ts";
import { removeOldBackups } from "../backup/retention.ts";
import { type Tag, tagRepository } from "../backup/tag.ts";
import type { Fingerprint } from "../catalog/fingerprint.ts";
import type { Settings } from "../config/settings.ts";
import { readRuns } from "../journal/journal.ts";
import type { StagePlan } from "../plan/plan.ts";
import { describeTarget } from "../postgres/connection.ts";
import { rollbackScript } from "../rollback/script.ts";
import { interruptedError } from "../run/interruption.ts";
import type { BackupFacts } from "../run/run-stage.ts";
import { version } from "../version.ts";
import type { RunOptions } from "./run.ts";
import { describeVerified, verifyByRestoring } from "./verify-backup.ts";
import { fromConfig, type WritingWorkplace } from "./workplace.ts";

/** Tags the application's repository and dumps the database, with the stage's rollback beside it. */
export async function backUpStage(
  writing: WritingWorkplace,
  plan: StagePlan,
  fingerprint: Fingerprint,
  checks: Pick<RunOptions, "verifyBackup" | "scratch" | "identity">,
): Promise<BackupFacts> {
  const { settings, target, emit, interrupted } = writing;
  const tag = await tagRepository(
    fromConfig(writing, settings.repository),
    plan.stage,
    `Before ${plan.stage} of multi-tenancy

${plan.title}
database:    ${describeTarget(target)}
fingerprint: ${fingerprint.digest}
tenantry:    ${version}`,
    // A run that is tried again stands on the same commit.
    "reuse",
  );
  if (tag.kind === "tagged" && tag.uncommittedFiles > 0) {
    emit({
      kind: "notice",
      text: `the tag ${tag.name} does not hold ${tag.uncommittedFiles} files that are not committed`,
    });
  }
  const gitTag = tag.kind === "tagged" ? tag.name : null;
  try {
    const backup = await backUp({
      target,
      stage: plan.stage,
      folder: fromConfig(writing, settings.backups.folder),
      ...dumpOptions(settings),
      gitTag,
      files: { "rollback.sql": rollbackScript(plan.stage, plan.steps) },
      signal: interrupted,
      onProgress: (progress) => emit({ kind: "backup-progress", stage: plan.stage, ...progress }),
    });
    if (checks.verifyBackup === true) {
      const verified = await verifyByRestoring(backup.folder, checks, interrupted);
      emit({ kind: "notice", text: describeVerified(verified) });
    }
    await keepNewest(writing, backup);
    return { folder: backup.folder, bytes: backup.bytes, gitTag, tag: describeTag(tag) };
  } catch (error) {
    if (interrupted.aborted) throw interruptedError(`the backup before ${plan.stage}`);
    throw error;
  }
}

/** How the configuration wants its dumps. */
export function dumpOptions({ backups }: Pick<Settings, "backups">) {
  const { jobs, compression, recipients } = backups;
  return { jobs, compression, recipients };
}

/** Removes what the configuration does not want kept, but nothing that a stage in force stands on. */
async function keepNewest(
  { settings, session, emit }: Pick<WritingWorkplace, "settings" | "session" | "emit">,
  made: Backup,
): Promise<void> {
  const { keep } = settings.backups;
  if (keep === undefined) return;
  const needed = (await readRuns(session))
    .filter(({ state }) => state !== "rolled back")
    .map(({ backupFolder }) => backupFolder);
  for (const folder of await removeOldBackups(made, keep, needed)) {
    emit({ kind: "notice", text: `removed ${folder}: backups.keep is ${keep}` });
  }
}

function describeTag(tag: Tag): string {
  switch (tag.kind) {
    case "tagged":
      return `git tag ${tag.name}`;
    case "no git":
      return "no git tag: git is not installed";
    case "no repository":
      return "no git tag: the folder is no repository";
    case "no commits":
      return "no git tag: the repository has no commit";
    default:
      return tag satisfies never;
  }
}
