import { type FenceRequest, fenceTables } from "../../operations/fence-tables.ts";
import type { GlobalOptions } from "../options.ts";
import { inWorkspace } from "../workspace.ts";

/** `tenantry fence`, and `tenantry run --new-tables`: tables that came after their stage. */
export async function fence(options: GlobalOptions & FenceRequest): Promise<void> {
  await inWorkspace(options, (workspace) => fenceTables(workspace, options), "run");
}
