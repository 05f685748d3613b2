import { type RunRequest, runStages } from "../../operations/run-stages.ts";
import type { GlobalOptions } from "../options.ts";
import { inWorkspace } from "../workspace.ts";

/** `tenantry run`: the stages that are left, or the one named. */
export async function run(options: GlobalOptions & RunRequest): Promise<void> {
  await inWorkspace(options, (workspace) => runStages(workspace, options), "run");
}
