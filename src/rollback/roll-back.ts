import { MigrationError, Umzug } from "umzug";
import { z } from "zod";
import { undoChanges } from "../application/files.ts";
import { dropLoaded } from "../attribution/load.ts";
import { compareFingerprints } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import { stepFacts } from "../events/events.ts";
import { type Run, readFingerprintBefore, setRunState } from "../journal/journal.ts";
import { holdLease } from "../journal/lease.ts";
import { markUndone } from "../journal/step-marks.ts";
import {
  type JournaledOutline,
  type JournaledStep,
  stepReader,
  verifySteps,
} from "../journal/steps.ts";
import type { Session } from "../postgres/connection.ts";
import { ident, type Sql, sql } from "../postgres/sql.ts";
import type { RunContext } from "../run/context.ts";
import { setIdleTimeout } from "../run/idle-timeout.ts";
import { stepError, withLockRetry } from "../run/lock-retry.ts";
import { build } from "../run/online-step.ts";
import { type ApplicationStep, type Step, statementsOf } from "../steps/model/step.ts";
import { refuseForeignDependents } from "./dependents.ts";
import { executeInverse, isUndefinedObject, isUniqueViolation } from "./inverse.ts";
import { differenceInWords } from "./not-validated.ts";

/** What becomes of the application's files, which may have been edited, or be elsewhere. */
type Files = "undo files" | "leave files";

type UndoContext = RunContext & { readonly files: Files };

/**
 * Undoes a run, step by step in reverse, by the inverses that the journal holds; then compares the
 * schema's fingerprint with the one from before the run. A rollback that was interrupted goes on.
 * @returns the differences of the fingerprints; none where the schema is as it was
 */
export async function rollBack(
  context: Omit<RunContext, "runId">,
  run: Run,
  files: Files = "undo files",
): Promise<readonly string[]> {
  const { session, lease, emit } = context;
  // Read first: a journal that cannot say how it was is refused before anything is undone.
  const steps = (await verifySteps(session, run.id)).filter(
    ({ state }) => state === "applied" || state === "running",
  );
  await readFingerprintBefore(session, run.id);
  await refuseForeignDependents(session, [run]);
  emit({
    kind: "rollback-started",
    stage: run.stage,
    steps: steps.map(({ definition }) => stepFacts(definition)).reverse(),
  });
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await setRunState(queries, run.id, "rolling back");
  });
  await undoAll({ ...context, runId: run.id, files }, steps);

  const differences = await differencesSince(session, run);
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await setRunState(queries, run.id, "rolled back");
    await dropLoaded(queries);
  });
  emit({
    kind: "rollback-finished",
    stage: run.stage,
    fingerprint: differences.length === 0 ? "equal" : "different",
    differences,
  });
  return differences;
}

/** What is different from before the run, object by object. */
async function differencesSince(session: Session, run: Run): Promise<readonly string[]> {
  const before = await readFingerprintBefore(session, run.id);
  const after = await readSnapshot(session);
  const words: string[] = [];
  for (const difference of compareFingerprints(before, after.fingerprint)) {
    words.push(await differenceInWords(session, after, difference));
  }
  return words;
}

async function undoAll(context: UndoContext, steps: readonly JournaledOutline[]): Promise<void> {
  try {
    await umzugOf(context, steps).down({ to: 0 });
  } catch (thrown) {
    // umzug wraps what a step throws.
    throw thrown instanceof MigrationError ? thrown.cause : thrown;
  }
}

/**
 * The steps to undo as umzug's migrations, whose statements are read when their turn comes; a step that
 * was under way is undone like one applied.
 */
function umzugOf(context: UndoContext, steps: readonly JournaledOutline[]): Umzug<UndoContext> {
  const turn = stepReader(context.session, context.runId, steps.toReversed());
  const remaining = new Set(steps.map(({ definition }) => definition.id));
  return new Umzug<UndoContext>({
    context,
    logger: undefined,
    storage: {
      executed: async () => [...remaining],
      logMigration: ({ name }) => Promise.reject(new Error(`${name} is not run in a rollback`)),
      unlogMigration: async ({ name }) => {
        remaining.delete(name);
      },
    },
    migrations: steps.map(({ definition, position }) => ({
      name: definition.id,
      up: () => Promise.reject(new Error(`${definition.id} is not run in a rollback`)),
      down: async () => undo(context, await turn(position)),
    })),
  });
}

async function undo(context: UndoContext, journaled: JournaledStep): Promise<void> {
  const { session, lease, online, emit, interrupted } = context;
  const step = journaled.definition;
  if (interrupted.aborted) {
    throw rollbackInterrupted(step.id);
  }
  const started = performance.now();
  try {
    const say = (text: string): void => emit({ kind: "notice", text: `${step.id}: ${text}` });
    if (step.mode === "application") await undoFiles(context, step);
    const gone = await isGone(session, step);
    if (gone !== undefined)
      emit({ kind: "notice", text: `${gone} is gone, and with it what ${step.id} did to it` });
    const statements =
      gone === undefined ? await prepare(context, step, say) : statementsOf(step.down);
    await withLockRetry(context, step, () =>
      session.transaction(async (queries) => {
        await setIdleTimeout(queries);
        await holdLease(queries, lease.token);
        await markUndone(queries, { runId: context.runId, position: journaled.position });
        await queries.execute(
          sql`SELECT set_config('lock_timeout', ${String(online.lockTimeoutInMilliseconds)}, TRUE)`,
        );
        for (const statement of statements) {
          const passedOver = await executeInverse(queries, statement);
          if (passedOver?.kind === "violated") {
            say(`the constraint stays NOT VALID, since rows violate it: ${passedOver.message}`);
          }
          if (passedOver?.kind === "lacking" && gone === undefined) {
            say(lacking(passedOver.message));
          }
        }
      }),
    );
  } catch (error) {
    if (interrupted.aborted && !(error instanceof AppError)) throw rollbackInterrupted(step.id);
    throw inRollback(stepError(step, error));
  }
  emit({
    kind: "step-undone",
    step: stepFacts(step),
    milliseconds: Math.round(performance.now() - started),
  });
}

function lacking(message: string): string {
  return `what it would bring back is passed over: ${message}`;
}

/**
 * Builds what an inverse needs first. A unique index that rows do not allow any more stops no rollback:
 * what there is stays in its place, and the schema's fingerprint tells that it is not as it was.
 * @returns the statements that are to be executed then
 */
async function prepare(
  context: UndoContext,
  step: Step,
  say: (text: string) => void,
): Promise<readonly Sql[]> {
  const { down } = step;
  const statements = statementsOf(down);
  if (down.kind !== "exact" || down.prepare === undefined) return statements;
  const { prepare: online } = down;
  try {
    await withLockRetry(context, step, () => build(context, step, online));
    return statements;
  } catch (error) {
    if (isUndefinedObject(error)) {
      say(lacking(error.message));
      return statements;
    }
    if (!isUniqueViolation(error)) throw error;
    say(`it stays unique in each organization only: ${error.message}`);
    // An index that is not valid would be in the way of whoever builds it again.
    await withLockRetry(context, step, () => context.session.execute(online.clean));
    return [];
  }
}

/** The name of a step's table where that was dropped, by whomever. */
async function isGone(session: Session, { table }: Step): Promise<string | undefined> {
  if (table === undefined) return undefined;
  const [found] = await session.rows(
    sql`SELECT to_regclass(${ident(table).parts.join("")}) IS NULL AS gone`,
    z.object({ gone: z.boolean() }),
  );
  return found?.gone === true ? `${table.schema}.${table.name}` : undefined;
}

async function undoFiles(
  { files, applicationFolder, emit }: UndoContext,
  { changes }: ApplicationStep,
): Promise<void> {
  const names = changes.map(({ file }) => file).join(", ");
  switch (files) {
    case "undo files": {
      await undoChanges(applicationFolder, changes);
      if (changes.length === 0) return;
      const text = `what Day 3 wrote is out of the application's files again: ${names}; what was built or deployed with it is not`;
      emit({ kind: "notice", text });
      return;
    }
    case "leave files": {
      emit({ kind: "notice", text: `left as they are, and written by Day 3: ${names || "none"}` });
      return;
    }
    default:
      files satisfies never;
  }
}

/** What a step says of going on is another thing in a rollback. */
function inRollback(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { code, object, fault, details } = error;
  return new AppError({
    ...{ code, object, fault, details, cause: error },
    state: "the steps after it are undone; it and those before it are not",
    // Where files are in the way, there is a way round them.
    next:
      code === "FILES_EDITED"
        ? error.next
        : "fix what is said, and tenantry rollback goes on from here",
  });
}

function rollbackInterrupted(step: string): AppError {
  return new AppError({
    code: "INTERRUPTED",
    object: step,
    fault: "the rollback was interrupted before it",
    state: "the steps after it are undone; it and those before it are not",
    next: "tenantry rollback goes on from here",
  });
}
