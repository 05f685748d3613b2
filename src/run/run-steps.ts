import { Umzug, type UmzugStorage } from "umzug";
import { AppError } from "../errors.ts";
import { markApplied, markUndone, type StepKey } from "../journal/step-marks.ts";
import { type JournaledOutline, readApplied, readOutlines, stepReader } from "../journal/steps.ts";
import { counted } from "../number-formats.ts";
import type { Session } from "../postgres/connection.ts";
import { groupLanes } from "../steps/model/lanes.ts";
import type { RunContext, StepContext } from "./context.ts";
import { LockMutex } from "./mutex.ts";
import { persevere } from "./persevere.ts";
import { runLanes } from "./run-lanes.ts";
import { runStep, verifyStep } from "./run-step.ts";
import { Sessions } from "./sessions.ts";

/**
 * Runs the steps of a run that are not applied yet, as they are journaled; later changes to the
 * configuration have no effect. Lanes run at the same time; within a lane umzug decides which step is
 * next, with the journal as its storage.
 * @throws AppError of the first step that fails; steps that are applied stay applied
 */
export async function runSteps(context: RunContext): Promise<void> {
  const { session, runId } = context;
  const journaled = await persevere(context, "reading the journal", () =>
    readOutlines(session, runId),
  );
  const unverified = journaled.filter(({ state, verified }) => state === "applied" && !verified);
  const read = stepReader(session, runId, unverified);
  for (const { position, definition } of unverified) {
    await persevere(context, definition.id, async () => verifyStep(context, await read(position)));
  }
  const left = journaled.filter(({ state }) => state !== "applied");
  const beside = await openBeside(context, left);
  const sessions = new Sessions([session, ...beside]);
  const shared = { ...context, sessions, mutex: new LockMutex() };
  try {
    for (const lanes of groupLanes(left, ({ definition }) => definition.lane)) {
      await runLanes(shared, lanes, async (own, steps) => {
        await umzugOf(own, steps).up();
      });
    }
  } finally {
    await Promise.all(beside.map((session) => session.close()));
  }
}

/**
 * Opens the further sessions that lanes and backfills share: none where no step can use them, and fewer
 * than configured where the server has no room for more.
 */
async function openBeside(
  { online, openBeside: open, emit }: RunContext,
  left: readonly JournaledOutline[],
): Promise<Session[]> {
  const used = left.some(
    ({ definition: { lane, mode } }) => lane !== undefined || mode === "batches",
  );
  const sessions: Session[] = [];
  try {
    while (used && sessions.length < online.tablesAtOnce - 1) sessions.push(await open());
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "CONNECTION_FAILED") {
      await Promise.all(sessions.map((session) => session.close()));
      throw error;
    }
    const at = counted(sessions.length + 1, "table");
    const text = `${error.fault}; going on with ${at} at a time, not ${online.tablesAtOnce}`;
    emit({ kind: "notice", text });
  }
  return sessions;
}

/** The steps of a lane as umzug's migrations, each read from the journal shortly before it is run. */
function umzugOf(context: StepContext, lane: readonly JournaledOutline[]): Umzug<StepContext> {
  const read = stepReader(context.session, context.runId, lane);
  return new Umzug<StepContext>({
    context,
    logger: undefined,
    storage: journalStorage(context, lane),
    migrations: lane.map(({ definition, position }) => ({
      name: definition.id,
      up: () => runStep(context, definition, () => read(position)),
    })),
  });
}

/**
 * The journal as umzug's storage. The transaction of a step also writes its row in the journal: umzug
 * logs only after `up`, and a kill between the two would lose the record. Here the row is written again.
 */
function journalStorage(
  context: StepContext,
  lane: readonly JournaledOutline[],
): UmzugStorage<StepContext> {
  const { session, runId } = context;
  const keyOf = (name: string): StepKey => {
    const step = lane.find(({ definition }) => definition.id === name);
    if (step === undefined) throw new Error(`the journal has no step ${name}`);
    return { runId, position: step.position };
  };
  return {
    executed: () => {
      const ids = lane.map(({ definition }) => definition.id);
      return persevere(context, "reading the journal", () => readApplied(session, runId, ids));
    },
    logMigration: ({ name }) => persevere(context, name, () => markApplied(session, keyOf(name))),
    unlogMigration: ({ name }) => markUndone(session, keyOf(name)),
  };
}
