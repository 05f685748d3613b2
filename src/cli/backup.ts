import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { StagePlan } from "../plan/plan.ts";
import { rollbackScript } from "../rollback/script.ts";
import type { BackupFacts } from "../run/run-stage.ts";
import { fromConfig, type WritingWorkplace } from "./workplace.ts";

export async function backUpStage(
  writing: WritingWorkplace,
  plan: StagePlan,
): Promise<BackupFacts> {
  const folder = path.join(
    fromConfig(writing, writing.settings.backups.folder),
    plan.stage + Date.now(),
  );
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "rollback.sql"), rollbackScript(plan.stage, plan.steps));
  return { folder, bytes: 0, tag: null };
}
