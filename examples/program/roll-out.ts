import {
  type Config,
  openWorkspace,
  planStages,
  readStatus,
  rollBackStages,
  runStages,
  verifyStage,
} from "tenantry";

/**
 * Takes a database through the stages that are left, verifies each, and rolls one back that does not
 * hold. Everything that happens is told line by line.
 */
export async function rollOut(
  database: { readonly url: string; readonly config: Config; readonly folder: string },
  tell: (line: string) => void,
): Promise<void> {
  await openWorkspace(
    {
      ...database,
      onEvent: (event) => {
        if (event.kind === "step-applied") tell(`${event.step.id}: ${event.milliseconds} ms`);
        if (event.kind === "notice") tell(event.text);
      },
    },
    async (workspace) => {
      const { plan } = await planStages(workspace);
      for (const { stage, steps } of plan.stages) tell(`${stage}: ${steps.length} steps planned`);
      for (const { stage } of plan.stages) {
        await runStages(workspace, { stage });
        const { verification, failure } = await verifyStage(workspace, { stage });
        tell(`${stage}: ${verification.isolation.length} claims of isolation were tried`);
        if (failure === undefined) continue;
        await rollBackStages(workspace, { stage });
        throw failure;
      }
      for (const { stage, state } of (await readStatus(workspace)).stages)
        tell(`${stage}: ${state}`);
    },
  );
}

/** Rolls back every stage that is applied, the last first; rows that were written meanwhile stay. */
export async function rollBackAll(url: string, config: Config, folder: string): Promise<void> {
  await openWorkspace({ url, config, folder }, (workspace) =>
    rollBackStages(workspace, { stage: "all" }),
  );
}
