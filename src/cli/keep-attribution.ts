import { keepAttribution } from "../attribution/keep.ts";
import type { Run } from "../journal/journal.ts";
import { fromConfig, type WritingWorkplace } from "./workplace.ts";

/** Keeps what undoing a run loses; an interrupted rollback that goes on has done so already. */
export async function keepWhatIsLost(writing: WritingWorkplace, run: Run): Promise<void> {
  const { target, settings, emit } = writing;
  if (run.state === "rolling back" || run.fences.length === 0 || run.stage === "day3") return;
  const folder = fromConfig(writing, settings.backups.folder);
  const kept = await keepAttribution(target, run, folder, (text) => emit({ kind: "notice", text }));
  emit({
    kind: "notice",
    text: `which row was whose is kept: tenantry run --stage ${run.stage} --attribution ${kept} brings it back`,
  });
}
