import { stages } from "../../stages/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { readRuns } from "../journal/journal.ts";
import { type Plan, planStages as planFrom } from "../plan/plan.ts";
import { planScript } from "../plan/script.ts";
import { listSteps, type StepLine } from "../plan/summary.ts";
import type { StageName } from "../steps/model/stage.ts";
import type { Workspace } from "./context/workspace.ts";
import { type ReadApplication, readApplication } from "./stage/application.ts";
import { readFunctions } from "./stage/functions.ts";

/** Every step of the stages ahead, and what it was planned from. */
export type PlannedStages = {
  readonly plan: Plan;
  /** Each stage's steps as lines, with the sizes of their tables. */
  readonly steps: ReadonlyMap<StageName, readonly StepLine[]>;
  /** What Day 3 would do to the application's files; undefined where it leaves them alone. */
  readonly application: ReadApplication | undefined;
};

/**
 * Plans the stages that are not applied, or the one named. Nothing is changed.
 * @throws AppError CONFIG_INVALID where the configuration does not fit the database
 */
export async function planStages(
  workspace: Workspace,
  { stage }: { readonly stage?: StageName | undefined } = {},
): Promise<PlannedStages> {
  const { session, settings, configFile } = workspace;
  const snapshot = await readSnapshot(session);
  const applied = (await readRuns(session))
    .filter(({ state }) => state === "applied")
    .map((run) => run.stage);
  const wanted = stages.filter(({ name }) =>
    stage === undefined ? !applied.includes(name) : name === stage,
  );
  const application = wanted.some(({ name }) => name === "day3")
    ? await readApplication(workspace)
    : undefined;
  const functions = await readFunctions(workspace, snapshot, wanted);
  const context = { origin: configFile, application, ...functions };
  const plan = planFrom(settings, snapshot, wanted, context);
  const steps = new Map(plan.stages.map((one) => [one.stage, listSteps(one, snapshot)]));
  return { plan, steps, application };
}

/** A plan as a script for psql. */
export { planScript };
