import { stages } from "../../stages/index.ts";
import { AppError } from "../errors.ts";
import { readFencedTables } from "../journal/fenced-tables.ts";
import { readRuns } from "../journal/journal.ts";
import { fenceCommand, newTables } from "../plan/new-tables.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import type { StageName } from "../steps/model/stage.ts";
import { tenancyIn } from "../steps/model/tenancy.ts";
import { migrateEarlierJournal } from "./context/earlier-journal.ts";
import { readSnapshotToPlan, type Workspace } from "./context/workspace.ts";
import { whileWriting } from "./context/writing.ts";
import { type Confirmed, confirmPlan } from "./stage/confirm-plan.ts";
import { type OneRunRequest, refuseWhileUnfinished, runOne } from "./stage/run-one.ts";
import { waysAround } from "./stage/ways-around.ts";

export type RunRequest = OneRunRequest & {
  /** One stage; else all that are left. */
  readonly stage?: StageName | undefined;
};

/** The stages that a run applied, in order. */
export type RunResult = { readonly applied: readonly StageName[] };

/**
 * Runs the stages that are left, or the one named: backup, git tag, steps, verification. A stage that
 * is under way is resumed where it stopped.
 * @throws AppError; a stage that failed is rolled back unless the caller decides otherwise
 */
export async function runStages(
  workspace: Workspace,
  request: RunRequest = {},
): Promise<RunResult> {
  await migrateEarlierJournal(workspace);
  const { notices, around } = await planAndConfirm(workspace, request);
  return whileWriting(workspace, "run", async (writing) => {
    for (const text of notices) writing.emit({ kind: "notice", text });
    // Asked again under the lease: another run may have ended meanwhile.
    const applied = await stagesToRun(workspace, request.stage);
    for (const definition of stages) {
      if (applied.includes(definition.name)) {
        await runOne({ ...writing, around }, definition, request);
      }
    }
    return { applied };
  });
}

/**
 * Plans what is to be run, and has it confirmed. The plan and the snapshot are let go with this: each
 * stage is planned again when its turn comes.
 */
async function planAndConfirm(workspace: Workspace, request: RunRequest): Promise<Confirmed> {
  const { settings, session, configFile } = workspace;
  const wanted = await stagesToRun(workspace, request.stage);
  const snapshot = await readSnapshotToPlan(workspace);
  // A stage under way continues as it was journaled, even if the configuration has changed.
  const runs = await readRuns(session);
  const begun = runs.filter(
    ({ stage, state }) => state !== "rolled back" && isAmong(wanted, stage),
  );
  const underway = begun
    .filter(({ state }) => state === "running" || state === "rolling back")
    .map(({ stage }) => stage);
  const anew = stages.filter(({ name }) => wanted.includes(name) && !isAmong(underway, name));
  if (anew.length > 0) {
    const fenced = await readFencedTables(session);
    const earlier = newTables(settings, snapshot, fenced).filter(({ stage }) =>
      runs.some((run) => run.stage === stage && run.state === "applied"),
    );
    if (earlier.length > 0) {
      const applied = runs.filter(({ state }) => state === "applied");
      refuseOtherTenancy(applied, tenancyIn(settings, snapshot), configFile);
      throw leftBehind(earlier);
    }
  }
  const around = await waysAround(workspace, snapshot, wanted);
  return confirmPlan(workspace, { wanted, anew, runs, snapshot, around }, request);
}

function isAmong(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/** Tables of an applied stage that came after it: what is run next would take them for fenced. */
function leftBehind(tables: ReturnType<typeof newTables>): AppError {
  return new AppError({
    code: "STAGE_OUT_OF_ORDER",
    object: tables.map(({ label }) => label).join(", "),
    fault: "came after its stage was applied, and is not fenced",
    state: "nothing was changed",
    next: fenceCommand(tables),
  });
}

/**
 * The stages to run: all that are not applied, or the one named once those before it are.
 * @throws AppError STAGE_OUT_OF_ORDER or STAGE_ALREADY_APPLIED
 */
export async function stagesToRun(
  { session }: Pick<Workspace, "session">,
  named: StageName | undefined,
): Promise<readonly StageName[]> {
  const runs = await readRuns(session);
  const names = stages.map(({ name }) => name);
  refuseWhileUnfinished(runs, names);
  const applied = (stage: StageName) =>
    runs.some((one) => one.stage === stage && one.state === "applied");
  const left = names.filter((stage) => !applied(stage));
  const [next] = left;
  if (next === undefined || (named !== undefined && applied(named))) {
    throw new AppError({
      code: "STAGE_ALREADY_APPLIED",
      object: named ?? "every stage",
      fault: "is applied already",
      state: "nothing was changed",
      next: `to verify it: tenantry verify ${named ?? "day3"}`,
    });
  }
  if (named === undefined) return left;
  if (named !== next) {
    throw new AppError({
      code: "STAGE_OUT_OF_ORDER",
      object: named,
      fault: `${next} is not applied, and ${named} depends on it`,
      state: "nothing was changed",
      next: `tenantry run --stage ${next}`,
    });
  }
  return [named];
}
