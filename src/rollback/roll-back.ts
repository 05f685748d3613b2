import { MigrationError, Umzug } from "umzug";
import { z } from "zod";
import { undoChanges } from "../application/files.ts";
import { dropLoaded } from "../attribution/load.ts";
import { compareFingerprints } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import { stepFacts } from "../events/events.ts";
import { type Run, readFingerprintBefore, setRunState } from "../journal/journal.ts";
import { holdLease, refuseUnlessEnded } from "../journal/lease.ts";
import { endOlderSessions } from "../journal/lease-sessions.ts";
import { markUndone } from "../journal/step-marks.ts";
import {
  type JournaledOutline,
  type JournaledStep,
  stepReader,
  verifySteps,
} from "../journal/steps.ts";
import type { Session } from "../postgres/connection.ts";
import { ident, sql, textOf } from "../postgres/sql.ts";
import type { RunContext } from "../run/context.ts";
import { setIdleTimeout } from "../run/idle-timeout.ts";
import { stepError, withLockRetry } from "../run/lock-retry.ts";
import { persevere } from "../run/persevere.ts";
import {
  type ApplicationStep,
  type Step,
  type StepOutline,
  statementsOf,
} from "../steps/model/step.ts";
import { refuseForeignDependents } from "./dependents.ts";
import { executeInverse } from "./inverse.ts";
import { differenceInWords } from "./not-validated.ts";
import { dropPrepared, prepare, skippedStatement } from "./prepare.ts";

/** Whether the application's files are undone too: they may have been edited, or be on another machine. */
type Files = "undo files" | "leave files";

type UndoContext = RunContext & { readonly files: Files };

/**
 * Undoes a run, step by step in reverse, with the inverses in the journal; then compares the schema's
 * fingerprint with the one from before the run. It also continues a rollback that was interrupted.
 * @returns the differences between the fingerprints; none where the schema is as before the run
 */
export async function rollBack(
  context: Omit<RunContext, "runId">,
  run: Run,
  files: Files = "undo files",
): Promise<readonly string[]> {
  const { session, lease, emit } = context;
  // A build of an earlier holder would land after its step is undone.
  refuseUnlessEnded(await endOlderSessions(session, lease.token, "end builds"));
  // Before anything is undone, so that a damaged journal is refused first.
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
  const differences = await persevere(context, `the end of undoing ${run.stage}`, async () => {
    const found = await differencesSince(session, run);
    await session.transaction(async (queries) => {
      await holdLease(queries, lease.token);
      await setRunState(queries, run.id, "rolled back");
      await dropLoaded(queries);
    });
    return found;
  });
  emit({
    kind: "rollback-finished",
    stage: run.stage,
    fingerprint: differences.length === 0 ? "equal" : "different",
    differences,
  });
  return differences;
}

/** The differences from before the run, object by object. */
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
 * The steps to undo as umzug's migrations, each read from the journal shortly before it is undone. A
 * step that was running is undone like an applied one.
 */
function umzugOf(context: UndoContext, steps: readonly JournaledOutline[]): Umzug<UndoContext> {
  const read = stepReader(context.session, context.runId, steps.toReversed());
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
      down: () => undo(context, definition, () => read(position)),
    })),
  });
}

/** Undoes a step. After a fault that can pass, it is undone from what the journal says. */
async function undo(
  context: UndoContext,
  step: StepOutline,
  read: () => Promise<JournaledStep>,
): Promise<void> {
  const { emit, interrupted, lease } = context;
  if (interrupted.aborted) throw rollbackInterrupted(step.id);
  const started = performance.now();
  try {
    await persevere(context, `undoing ${step.id}`, async () => undoOnce(context, await read()));
  } catch (error) {
    if (lease.lost.aborted) throw lease.lost.reason;
    if (interrupted.aborted && !(error instanceof AppError)) throw rollbackInterrupted(step.id);
    if (error instanceof AppError && error.code === "INTERRUPTED")
      throw rollbackInterrupted(step.id);
    throw inRollback(stepError(step, error));
  }
  emit({
    kind: "step-undone",
    step: stepFacts(step),
    milliseconds: Math.round(performance.now() - started),
  });
}

async function undoOnce(context: UndoContext, journaled: JournaledStep): Promise<void> {
  const { session, lease, online, emit } = context;
  const step = journaled.definition;
  // The answer to a COMMIT can be lost with the connection.
  if (journaled.state === "undone") return;
  const notice = (text: string): void => emit({ kind: "notice", text: `${step.id}: ${text}` });
  if (step.mode === "application") await undoFiles(context, step);
  const gone = await droppedTable(session, step);
  if (gone !== undefined)
    notice(`the table ${gone} does not exist any more; nothing to undo on it`);
  const statements =
    gone === undefined ? await prepare(context, step, notice) : statementsOf(step.down);
  await withLockRetry(context, step, () =>
    session.transaction(async (queries) => {
      await setIdleTimeout(queries);
      await holdLease(queries, lease.token);
      await markUndone(queries, { runId: context.runId, position: journaled.position });
      await queries.execute(
        sql`SELECT set_config('lock_timeout', ${String(online.lockTimeoutInMilliseconds)}, TRUE)`,
      );
      for (const statement of statements) {
        const skipped = await executeInverse(queries, statement);
        if (skipped?.kind === "violation") {
          notice(`the constraint stays NOT VALID, because rows violate it: ${skipped.message}`);
        }
        if (skipped?.kind === "undefined object" && gone === undefined) {
          notice(skippedStatement(skipped.message));
        }
      }
    }),
  );
  if (gone === undefined) await dropPrepared(context, step);
}

/** The name of a step's table where that was dropped. */
async function droppedTable(session: Session, { table }: Step): Promise<string | undefined> {
  if (table === undefined) return undefined;
  const [found] = await session.rows(
    sql`SELECT to_regclass(${textOf(ident(table))}) IS NULL AS gone`,
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
      const text = `removed from the application's files what Day 3 wrote: ${names}. Build and deploy the application again.`;
      emit({ kind: "notice", text });
      return;
    }
    case "leave files": {
      emit({
        kind: "notice",
        text: `files written by Day 3, not changed by this rollback: ${names || "none"}`,
      });
      return;
    }
    default:
      files satisfies never;
  }
}

/** The same error with the state and the next command of a rollback. */
function inRollback(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { code, object, fault, details } = error;
  return new AppError({
    ...{ code, object, fault, details, cause: error },
    state: "the steps after it are undone; this step and those before it are still applied",
    // Its own text names --leave-files.
    next:
      code === "FILES_EDITED"
        ? error.next
        : "fix the problem above, then run tenantry rollback again to continue",
  });
}

function rollbackInterrupted(step: string): AppError {
  return new AppError({
    code: "INTERRUPTED",
    object: step,
    fault: "the rollback was interrupted before this step",
    state: "the steps after it are undone; this step and those before it are still applied",
    next: "run tenantry rollback again to continue",
  });
}
