import { keepAttribution } from "../../attribution/keep.ts";
import type { Run } from "../../journal/journal.ts";
import { commandOf } from "../../steps/model/stage.ts";
import { fromConfig } from "../context/workspace.ts";
import type { WritingWorkspace } from "../context/writing.ts";

/** Saves what undoing a run loses; an interrupted rollback that is resumed has done so already. */
export async function saveAttribution(writing: WritingWorkspace, run: Run): Promise<void> {
  const { target, settings, emit } = writing;
  if (run.state === "rolling back" || run.fences.length === 0 || run.stage === "day3") return;
  const folder = fromConfig(writing, settings.backups.folder);
  const saved = await keepAttribution(target, run, folder, (text) =>
    emit({ kind: "notice", text }),
  );
  emit({
    kind: "notice",
    text: `row ownership saved. To restore it: ${commandOf(run.stage)} --attribution ${saved}`,
  });
}
