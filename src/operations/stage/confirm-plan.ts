import type { Snapshot } from "../../catalog/snapshot.ts";
import { countById } from "../../events/finding.ts";
import type { NewRun, Run } from "../../journal/journal.ts";
import { digestOf, type Plan, planStages, type StagePlan } from "../../plan/plan.ts";
import { refuseOtherTenancy } from "../../plan/same-tenancy.ts";
import { listTables } from "../../plan/summary.ts";
import { targetParts } from "../../postgres/connection.ts";
import type { RunName, Stage } from "../../steps/model/stage.ts";
import type { Confirmation, PlannedStage } from "../context/caller.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";
import { refuseUntaggableStages } from "./back-up-stage.ts";
import { countCrossingRows } from "./crossing-rows.ts";
import { readFunctions } from "./functions.ts";
import { predictionOf } from "./prediction.ts";
import { applicationOf, type OneRunRequest } from "./run-one.ts";

type ToConfirm = {
  /** Everything that is run, also what is resumed. */
  readonly wanted: readonly RunName[];
  /** What is planned on the database as it is now. */
  readonly anew: readonly Stage<RunName>[];
  readonly runs: readonly Run[];
  readonly snapshot: Snapshot;
  readonly around: Extract<Confirmation, { kind: "run" }>["around"];
};

export type Confirmed = {
  readonly notices: readonly string[];
  readonly around: Readonly<Record<string, number>>;
};

/**
 * Plans what is to be run, and has it confirmed. A plan that does not fit the database is refused before a
 * question, and before a backup.
 * @returns notices of the plan, and how many ways around the fence are open, by rule
 */
export async function confirmPlan(
  workspace: Workspace,
  { wanted, anew, runs, snapshot, around }: ToConfirm,
  request: OneRunRequest,
): Promise<Confirmed> {
  const { settings, configFile, target, caller } = workspace;
  const application = await applicationOf(workspace, anew);
  const functions = await readFunctions(workspace, snapshot, anew);
  const context = { origin: configFile, application, ...functions };
  const plan: Plan<RunName> = planStages(settings, snapshot, anew, context);
  if (plan.stages.length > 0) {
    const applied = runs.filter(({ state }) => state === "applied");
    refuseOtherTenancy(applied, plan.tenancy, configFile);
  }
  await refuseUntaggableStages(
    workspace,
    plan.stages.map(({ stage }) => stage),
  );
  // What a rollback saved overrides the sources: then the end of the stage tells.
  const counted = request.attribution === undefined ? anew : [];
  const crossing = await countCrossingRows(workspace, snapshot, counted);
  const planned: PlannedStage[] = [];
  for (const stage of plan.stages) {
    const predicted = await predictionOf(workspace, stage.stage, digestOf([stage]), request);
    planned.push(describeStage(workspace, stage, { snapshot, predicted, crossing }));
  }
  const { database, databaseBytes } = snapshot.server;
  await caller.questions.confirm({
    kind: "run",
    wanted,
    stages: planned,
    around,
    database,
    host: targetParts(target).host,
    databaseBytes,
    backups: fromConfig(workspace, settings.backups.folder),
    repository: fromConfig(workspace, settings.git.repository),
    lockTimeoutInMilliseconds: settings.online.lockTimeoutInMilliseconds,
  });
  return { notices: [...plan.notices, ...crossing], around: countById(around) };
}

function describeStage(
  workspace: Workspace,
  plan: StagePlan,
  {
    snapshot,
    predicted,
    crossing,
  }: {
    readonly snapshot: Snapshot;
    readonly predicted: NewRun["predicted"];
    readonly crossing: readonly string[];
  },
): PlannedStage {
  const { stage, title, steps } = plan;
  const step = steps.find((one) => one.mode === "application");
  const measured = Object.values(predicted);
  return {
    stage,
    title,
    tables: listTables(plan, snapshot, predicted),
    crossing,
    application:
      step === undefined
        ? undefined
        : {
            folder: fromConfig(workspace, workspace.settings.code.folder),
            changed: step.changes.map(({ file }) => file),
            gates: step.gates.map(({ name }) => name),
          },
    milliseconds:
      measured.length === 0
        ? undefined
        : measured.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}
