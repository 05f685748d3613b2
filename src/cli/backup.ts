import { backUp } from "../backup/backup.ts";
import { type Tag, tagRepository } from "../backup/tag.ts";
import type { Fingerprint } from "../catalog/fingerprint.ts";
import type { StagePlan } from "../plan/plan.ts";
import { describeTarget } from "../postgres/connection.ts";
import { rollbackScript } from "../rollback/script.ts";
import { interruptedError } from "../run/interruption.ts";
import type { BackupFacts } from "../run/run-stage.ts";
import { version } from "../version.ts";
import { fromConfig, type WritingWorkplace } from "./workplace.ts";

/** Tags the application's repository and dumps the database, with the stage's rollback beside it. */
export async function backUpStage(
  writing: WritingWorkplace,
  plan: StagePlan,
  fingerprint: Fingerprint,
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
      jobs: settings.backups.jobs,
      fingerprint: fingerprint.digest,
      gitTag,
      files: { "rollback.sql": rollbackScript(plan.stage, plan.steps) },
    });
    return { folder: backup.folder, bytes: backup.bytes, gitTag, tag: describeTag(tag) };
  } catch (error) {
    // Ctrl-C reaches pg_dump too.
    if (interrupted.aborted) throw interruptedError(`the backup before ${plan.stage}`);
    throw error;
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
