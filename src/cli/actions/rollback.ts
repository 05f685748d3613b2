import {
  type RollbackRequest,
  rollBackStages,
  rollbackScripts,
} from "../../operations/roll-back.ts";
import type { RunName } from "../../steps/model/stage.ts";
import type { GlobalOptions } from "../options.ts";
import { inWorkspace } from "../workspace.ts";

export type RollbackOptions = GlobalOptions &
  Omit<RollbackRequest, "stage"> & {
    readonly stage?: RunName | undefined;
    readonly all: boolean;
    /** Prints the script for psql instead. */
    readonly printSql: boolean;
  };

/** `tenantry rollback`: the last stage, the one named, or all. */
export async function rollback(options: RollbackOptions): Promise<void> {
  const stage = options.all ? "all" : options.stage;
  await inWorkspace(
    options,
    async (workspace) => {
      if (!options.printSql) return void (await rollBackStages(workspace, { ...options, stage }));
      for (const script of await rollbackScripts(workspace, stage)) process.stdout.write(script);
    },
    "rollback",
  );
}
