import { hostname, userInfo } from "node:os";
import path from "node:path";
import { type Backup, backUp } from "../../backup/backup.ts";
import { describeUnreadable, removeOldBackups } from "../../backup/folder/retention.ts";
import { holdTag, type Push, pushTag } from "../../backup/git/push.ts";
import type { Tree } from "../../backup/git/repository.ts";
import {
  refuseUntaggable,
  type Tag,
  type TagRequest,
  tagRepository,
  whyNoTag,
} from "../../backup/git/tag.ts";
import type { Snapshot } from "../../catalog/snapshot.ts";
import type { Settings } from "../../config/settings.ts";
import { readRuns } from "../../journal/journal.ts";
import type { StagePlan } from "../../plan/plan.ts";
import { describeTarget } from "../../postgres/connection.ts";
import { rollbackScriptPieces } from "../../rollback/script.ts";
import { interruptedError } from "../../run/interruption.ts";
import type { BackupFacts } from "../../run/run-stage.ts";
import type { RunName } from "../../steps/model/stage.ts";
import { version } from "../../version.ts";
import {
  describeVerified,
  type VerifyBackupRequest,
  verifyByRestoring,
} from "../backups/verify-backup.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";
import type { WritingWorkspace } from "../context/writing.ts";

/**
 * Whether the stages' tags could be made, asked before the database is touched.
 * @throws AppError GIT_FAILED
 */
export async function refuseUntaggableStages(
  workspace: Workspace,
  stages: readonly RunName[],
): Promise<void> {
  for (const stage of stages) await refuseUntaggable(tagRequest(workspace, stage));
}

/**
 * Tags the application's repository and dumps the database, with the stage's rollback beside it. The
 * tag is pushed when the backup is complete.
 */
export async function backUpStage(
  writing: WritingWorkspace,
  plan: StagePlan,
  { server, fingerprint }: Pick<Snapshot, "server" | "fingerprint">,
  checks: VerifyBackupRequest & { readonly verifyBackup?: boolean },
): Promise<BackupFacts> {
  const { settings, target, emit, lease, interrupted } = writing;
  const request = tagRequest(writing, plan.stage);
  let tag: Tag | undefined;
  try {
    const backup = await backUp({
      target,
      stage: plan.stage,
      folder: fromConfig(writing, settings.backups.folder),
      ...dumpOptions(settings),
      tag: async (folder) => {
        tag = await tagRepository(
          request,
          (tree) => `Before ${plan.stage} of multi-tenancy

${plan.title}
database:    ${describeTarget(target)}
server:      PostgreSQL ${server.versionText}
fingerprint: ${fingerprint.digest}
backup:      ${path.relative(writing.folder, folder)}
tree:        ${describeTree(tree)}
by:          ${userInfo().username}@${hostname()}
tenantry:    ${version}`,
        );
        if (tag.kind !== "tagged") return null;
        if (tag.tree.kind === "changed") {
          const text = `the tag ${tag.name} does not hold ${countOf(tag.tree.files)} not committed`;
          emit({ kind: "notice", text });
        }
        return tag.name;
      },
      files: { "rollback.sql": rollbackScriptPieces(plan) },
      signal: interrupted,
      lease,
      notify: (text) => emit({ kind: "notice", text }),
      onProgress: (progress) => emit({ kind: "backup-progress", stage: plan.stage, ...progress }),
    });
    if (checks.verifyBackup === true) {
      const verified = await verifyByRestoring(backup.folder, checks, interrupted);
      emit({ kind: "notice", text: describeVerified(verified) });
    }
    await keepNewest(writing, backup);
    const { gitTag } = backup.manifest;
    const pushed = gitTag === null ? undefined : await pushUnlessHeld(writing, request, gitTag);
    if (gitTag !== null && pushed?.kind === "not pushed") {
      const text = `the tag ${gitTag} was not pushed: ${pushed.reason}. Later: ${pushed.command}`;
      emit({ kind: "notice", text });
    }
    return {
      folder: backup.folder,
      bytes: backup.bytes,
      gitTag,
      tag: describeTag(tag, pushed),
    };
  } catch (error) {
    if (interrupted.aborted) throw interruptedError(`the backup before ${plan.stage}`);
    throw error;
  }
}

/** Pushes a stage's tag, unless `git.push` is false, or is not set and a CI job runs this. */
async function pushUnlessHeld(
  { settings: { git }, caller }: WritingWorkspace,
  { folder }: TagRequest,
  tag: string,
): Promise<Push | undefined> {
  if (git.push === false) return undefined;
  if (git.push === true || !caller.inCi) return pushTag(folder, tag);
  return holdTag(folder, tag, "CI is set; set git.push to push");
}

/** How the configuration wants its dumps. */
export function dumpOptions({ backups }: Pick<Settings, "backups">) {
  const { jobs, compression, recipients } = backups;
  return { jobs, compression, recipients };
}

/** Removes backups beyond `backups.keep`, but none of a stage that is applied. */
async function keepNewest(
  { settings, session, emit }: Pick<WritingWorkspace, "settings" | "session" | "emit">,
  made: Backup,
): Promise<void> {
  const { keep } = settings.backups;
  if (keep === undefined) return;
  const needed = (await readRuns(session))
    .filter(({ state }) => state !== "rolled back")
    .map(({ backupFolder }) => backupFolder);
  const { removed, unreadable } = await removeOldBackups(made, keep, needed);
  for (const error of unreadable) emit({ kind: "notice", text: describeUnreadable(error) });
  for (const folder of removed) {
    emit({ kind: "notice", text: `removed ${folder}: backups.keep is ${keep}` });
  }
}

function tagRequest(workspace: Workspace, stage: RunName): TagRequest {
  const { repository, ifTagExists, required } = workspace.settings.git;
  return { folder: fromConfig(workspace, repository), stage, ifTagExists, required };
}

function describeTree(tree: Tree): string {
  switch (tree.kind) {
    case "clean":
      return "clean";
    case "changed":
      return `${countOf(tree.files)} not committed`;
    case "none":
      return "none, the repository is bare";
    default:
      return tree satisfies never;
  }
}

function countOf(files: number): string {
  return files === 1 ? "1 file that is" : `${files} files that are`;
}

function describeTag(tag: Tag | undefined, pushed: Push | undefined): string {
  if (tag === undefined) return "no git tag";
  if (tag.kind !== "tagged") return `no git tag: ${whyNoTag(tag)}`;
  const where = pushed?.kind === "pushed" ? `, pushed to ${pushed.remote}` : "";
  return `git tag ${tag.name}${where}`;
}
