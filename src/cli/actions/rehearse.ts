import type { Workspace } from "../../operations/context/workspace.ts";
import { type RehearseRequest, rehearse as rehearseStages } from "../../operations/rehearse.ts";
import type { GlobalOptions } from "../options.ts";
import { showRehearsal } from "../screens/rehearsal.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

/** `tenantry rehearse`: the stages that are left on a copy of the database, with a prediction. */
export function rehearse(options: GlobalOptions & RehearseRequest): Promise<void> {
  const work = (workspace: Workspace, output: Output) =>
    rehearseAndShow(workspace, output, options);
  return inWorkspace(options, work, "rehearse");
}

/** The same in a workspace that is open already. */
export async function rehearseAndShow(
  workspace: Workspace,
  output: Output,
  request: RehearseRequest,
): Promise<void> {
  const { rehearsal, file, failure } = await rehearseStages(workspace, request);
  await output.show({ kind: "rehearsal", file, ...rehearsal }, () =>
    showRehearsal(rehearsal, file),
  );
  if (failure !== undefined) throw failure;
}
