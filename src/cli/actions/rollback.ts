import { formatCount } from "../../number-formats.ts";
import {
  type RollbackRequest,
  rollBackStages,
  rollbackScripts,
} from "../../operations/roll-back.ts";
import { rollbackWindow, type WindowResult } from "../../operations/rollback-window.ts";
import type { RunName } from "../../steps/model/stage.ts";
import type { GlobalOptions } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { inWorkspace } from "../workspace.ts";

export type RollbackOptions = GlobalOptions &
  Omit<RollbackRequest, "stage"> & {
    readonly stage?: RunName | undefined;
    readonly all: boolean;
    /** Prints the script for psql instead. */
    readonly printSql: boolean;
    /** Only says whether it would go through, and what it would lose. */
    readonly check: boolean;
    /** A folder for what would be lost. */
    readonly export?: string | undefined;
  };

/** `tenantry rollback`: the last stage, the one named, or all. */
export async function rollback(options: RollbackOptions): Promise<void> {
  const stage = options.all ? "all" : options.stage;
  if (options.check) {
    const { export: exportTo } = options;
    return inWorkspace(options, async (workspace, output) =>
      showWindow(output, await rollbackWindow(workspace, { stage, exportTo })),
    );
  }
  await inWorkspace(
    options,
    async (workspace) => {
      if (!options.printSql) return void (await rollBackStages(workspace, { ...options, stage }));
      for (const script of await rollbackScripts(workspace, stage)) process.stdout.write(script);
    },
    "rollback",
  );
}

async function showWindow(output: Output, window: WindowResult): Promise<void> {
  const { stages, refusals, differences, files, failure } = window;
  const losses = window.losses.map(({ rows: _rows, ...loss }) => loss);
  await output.show(
    {
      kind: "rollback-window",
      possible: failure === undefined,
      stages,
      refusals,
      losses,
      differences,
      files,
    },
    () => describeWindow(window),
  );
  if (failure !== undefined) throw failure;
}

function describeWindow({ stages, losses, differences, files, failure }: WindowResult): string {
  const lost = losses.flatMap(({ stage, of, count, some, saved }) => [
    `${stage}: ${formatCount(count)} ${of}${saved ? ", which the rollback saves first" : ""}`,
    ...some.map((one) => `  ${one}`),
    ...(count > some.length ? ["  …"] : []),
  ]);
  return [
    `${stages.join(", ")}: can${failure === undefined ? "" : "not"} be rolled back as it is now`,
    lost.length === 0 ? "nothing would be lost" : "what would be lost:",
    ...lost,
    ...(differences.length === 0
      ? []
      : [
          "changed since by somebody else, which a rollback leaves:",
          ...differences.map((one) => `  ${one}`),
        ]),
    ...files.map((file) => `exported: ${file}`),
    "",
  ].join("\n");
}
