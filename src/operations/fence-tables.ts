import { laterStage } from "../../stages/later/stage.ts";
import { readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { invalidConfiguration } from "../config/faults.ts";
import { parseRelationName, relationKey } from "../config/relation-name.ts";
import { configuredName } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import { concerns } from "../events/concerns.ts";
import { readFencedTables } from "../journal/fenced-tables.ts";
import { laterRuns, type Run, readRuns } from "../journal/journal.ts";
import { readOutlines } from "../journal/steps.ts";
import { type NewTable, newTables } from "../plan/new-tables.ts";
import { type Plan, planStages } from "../plan/plan.ts";
import { listSteps, type StepLine } from "../plan/summary.ts";
import { ident, textOf } from "../postgres/sql.ts";
import { commandOf, type LaterName, type Stage } from "../steps/model/stage.ts";
import { migrateEarlierJournal } from "./context/earlier-journal.ts";
import { readSnapshotToPlan, type Workspace } from "./context/workspace.ts";
import { whileWriting } from "./context/writing.ts";
import { confirmPlan } from "./stage/confirm-plan.ts";
import { type OneRunRequest, refuseWhileUnfinished, runOne } from "./stage/run-one.ts";
import { waysAround } from "./stage/ways-around.ts";

export type FenceRequest = OneRunRequest & {
  /** As the configuration names them; else all that came after their stage. */
  readonly tables?: readonly string[];
};

/** The run that fenced them, and the tables. */
export type FenceResult = { readonly run: LaterName; readonly tables: readonly string[] };

/**
 * Fences tables that the configuration names and that came after their stage was applied, through the same
 * steps: backup, git tag, steps, verification. One that is under way is resumed.
 * @throws AppError; what failed is rolled back unless the caller decides otherwise
 */
export async function fenceTables(
  workspace: Workspace,
  request: FenceRequest = {},
): Promise<FenceResult> {
  const { session, settings } = workspace;
  await migrateEarlierJournal(workspace);
  const snapshot = await readSnapshotToPlan(workspace);
  const runs = await readRuns(session);
  const chosen = await choose(workspace, snapshot, runs, request.tables);
  const { stage, resumes } = chosen;
  const own = chosen.tables.map(({ relation }) => textOf(ident(relation)));
  const around = (await waysAround(workspace, snapshot, [])).filter(
    (finding) => !own.some((name) => concerns(finding, name)),
  );
  const anew = resumes ? [] : [stage];
  const confirmed = { wanted: [stage.name], anew, runs, snapshot, around };
  const { notices, around: ways } = await confirmPlan(workspace, confirmed, request);
  return whileWriting(workspace, "run", async (writing) => {
    for (const text of notices) writing.emit({ kind: "notice", text });
    // Chosen again under the lease: another run may have ended meanwhile.
    const now = await choose(
      workspace,
      await readSnapshotToPlan(workspace),
      await readRuns(session),
      request.tables,
    );
    refuseUnlessSame(chosen, now);
    await runOne({ ...writing, around: ways }, now.stage, request);
    const fenced = now.tables.map(({ relation }) => configuredName(relation, settings));
    return { run: now.stage.name, tables: fenced };
  });
}

/** The steps that tables which came later would get. */
export type PlannedTables = {
  readonly plan: Plan<LaterName>;
  readonly steps: ReadonlyMap<LaterName, readonly StepLine[]>;
};

/** Plans the fence of tables that came after their stage. Nothing is changed. */
export async function planNewTables(
  workspace: Workspace,
  tables?: readonly string[],
): Promise<PlannedTables> {
  const { session, settings, configFile } = workspace;
  const snapshot = await readSnapshot(session);
  const { stage } = await choose(workspace, snapshot, await readRuns(session), tables);
  const plan = planStages(settings, snapshot, [stage], { origin: configFile });
  const steps = new Map(plan.stages.map((one) => [one.stage, listSteps(one, snapshot)]));
  return { plan, steps };
}

type Chosen = {
  readonly stage: Stage<LaterName>;
  readonly tables: readonly Pick<NewTable, "relation" | "label">[];
  /** Whether its run was begun earlier. */
  readonly resumes: boolean;
};

/** @throws AppError STAGE_OUT_OF_ORDER, STAGE_ALREADY_APPLIED, CONFIG_INVALID */
async function choose(
  workspace: Workspace,
  snapshot: Snapshot,
  runs: readonly Run[],
  named: readonly string[] | undefined,
): Promise<Chosen> {
  const { settings, session } = workspace;
  const last = laterRuns(runs).at(-1);
  const name = nameAfter(last);
  const begun = last !== undefined && last.state !== "applied";
  refuseWhileUnfinished(runs, begun ? [last.stage] : []);
  const hardened = runs.some(({ stage, state }) => stage === "day3" && state === "applied");
  if (begun) {
    await refuseOthers(workspace, last, named ?? []);
    return { stage: laterStage({ name, tables: [], hardened }), tables: [], resumes: true };
  }
  const found = newTables(settings, snapshot, await readFencedTables(session));
  const wanted = (named ?? []).map((text) => oneNamed(workspace, found, text));
  const isReady = ({ stage }: NewTable) =>
    runs.some((run) => run.stage === stage && run.state === "applied");
  const tables = wanted.length > 0 ? wanted : found.filter(isReady);
  for (const table of tables) if (!isReady(table)) throw tooEarly(table);
  for (const table of tables) refuseBeforeParent(table, { found, tables });
  const relations = tables.map(({ relation }) => relation);
  if (relations.length === 0) throw nothingNew();
  return { stage: laterStage({ name, tables: relations, hardened }), tables, resumes: false };
}

/** @throws AppError STAGE_OUT_OF_ORDER where a table is named that the run under way is not of */
async function refuseOthers(
  { session, settings }: Workspace,
  run: Run,
  named: readonly string[],
): Promise<void> {
  const own = (await readOutlines(session, run.id)).flatMap(({ definition: { table } }) =>
    table === undefined ? [] : [relationKey(table)],
  );
  const others = named.filter((text) => {
    const relation = parseRelationName(text, settings.schema);
    return relation === undefined || !own.includes(relationKey(relation));
  });
  if (others.length > 0) refuseWhileUnfinished([run], []);
}

/** The name of the run that is under way, or of the next one. */
function nameAfter(last: Run | undefined): LaterName {
  const number = Number(last?.stage.replace(/^later/, "") ?? 0);
  return `later${last === undefined || last.state === "applied" ? number + 1 : number}`;
}

function oneNamed(
  { settings, configFile }: Workspace,
  found: readonly NewTable[],
  text: string,
): NewTable {
  const relation = parseRelationName(text, settings.schema);
  const key = relation === undefined ? "" : relationKey(relation);
  const one = found.find((table) => relationKey(table.relation) === key);
  if (one !== undefined) return one;
  const { tables, shared, profiles } = settings;
  const configured = [...tables.day1, ...tables.day2, ...shared, ...profiles];
  if (!configured.some((table) => relationKey(table.relation) === key)) {
    throw invalidConfiguration(configFile, [
      {
        path: text,
        fault: "is not named in the configuration",
        fix: "name it in day1.tables, day2.tables, sharedTables or profiles",
      },
    ]);
  }
  throw new AppError({
    code: "STAGE_ALREADY_APPLIED",
    object: text,
    fault: "is fenced already, or does not exist",
    state: "nothing was changed",
    next: "to verify it: tenantry verify",
  });
}

function tooEarly({ label, setting, stage }: NewTable): AppError {
  return new AppError({
    code: "STAGE_OUT_OF_ORDER",
    object: label,
    fault: `is named in ${setting}, which ${stage} fences, and ${stage} is not applied`,
    state: "nothing was changed",
    next: commandOf(stage),
  });
}

function refuseBeforeParent(
  { label, via }: NewTable,
  { found, tables }: { readonly found: readonly NewTable[]; readonly tables: readonly NewTable[] },
): void {
  const parent = found.find(({ relation }) => relationKey(relation) === via);
  if (parent === undefined || tables.includes(parent)) return;
  throw new AppError({
    code: "STAGE_OUT_OF_ORDER",
    object: label,
    fault: `gets its organization from ${parent.label}, which is not fenced`,
    state: "nothing was changed",
    next: `fence both: tenantry fence ${parent.label} ${label}`,
  });
}

function nothingNew(): AppError {
  return new AppError({
    code: "STAGE_ALREADY_APPLIED",
    object: "every table of the applied stages",
    fault: "is fenced already: the configuration names no new one",
    state: "nothing was changed",
    next: "name the table in the configuration; to verify the others: tenantry verify",
  });
}

function refuseUnlessSame(asked: Chosen, now: Chosen): void {
  const facts = ({ stage, tables }: Chosen) =>
    [stage.name, ...tables.map(({ relation }) => relationKey(relation))].join();
  if (facts(asked) === facts(now)) return;
  throw new AppError({
    code: "STAGE_OUT_OF_ORDER",
    object: now.stage.name,
    fault: "another command changed what is applied since the question was asked",
    state: "nothing was changed",
    next: "tenantry status, then tenantry fence again if it is still wanted",
  });
}
