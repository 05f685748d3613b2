import { Umzug, type UmzugStorage } from "umzug";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type JournaledStep, readSteps } from "../journal/journal.ts";
import { holdLease } from "../journal/lease.ts";
import {
  markApplied,
  markUndone,
  markVerified,
  recordCost,
  type StepKey,
} from "../journal/step-marks.ts";
import { sql } from "../postgres/sql.ts";
import { stepFacts } from "../report/events.ts";
import { checksOf, type Step } from "../steps/step.ts";
import { ask } from "../verify/checks.ts";
import { runApplication } from "./application-step.ts";
import { runBatches } from "./backfill-step.ts";
import type { RunContext } from "./context.ts";
import { interruptedError } from "./interruption.ts";
import { leftItsTable } from "./left-its-table.ts";
import { runOnline } from "./online-step.ts";
import { stepError } from "./patience.ts";
import { runInTransaction } from "./transaction-step.ts";

/**
 * Runs the steps of a run that are not applied yet, in their order: umzug decides which, with the
 * journal as its storage. What is run is what the journal holds, whatever the configuration says now.
 * @throws AppError at the first step that fails; those before it stay applied
 */
export async function runSteps(context: RunContext): Promise<void> {
  const journaled = await readSteps(context.session, context.runId);
  for (const step of journaled) {
    if (step.state === "applied" && !step.verified) await verifyStep(context, step);
  }
  await umzugOf(context, journaled).up();
}

/** The steps of a run as umzug's migrations. */
function umzugOf(context: RunContext, journaled: readonly JournaledStep[]): Umzug<RunContext> {
  return new Umzug<RunContext>({
    context,
    logger: undefined,
    storage: journalStorage(context, journaled),
    migrations: journaled.map((step) => ({
      name: step.definition.id,
      up: () => runStep(context, step),
    })),
  });
}

/**
 * The journal as umzug's storage. A step's own transaction writes its row: umzug logs only after
 * `up`, and a kill between the two would lose the record. What umzug logs is written again here.
 */
function journalStorage(
  { session, runId }: RunContext,
  journaled: readonly JournaledStep[],
): UmzugStorage<RunContext> {
  const keyOf = (name: string): StepKey => {
    const step = journaled.find(({ definition }) => definition.id === name);
    if (step === undefined) throw new Error(`the journal has no step ${name}`);
    return { runId, position: step.position };
  };
  return {
    async executed() {
      const steps = await readSteps(session, runId);
      return steps
        .filter(({ state }) => state === "applied")
        .map(({ definition }) => definition.id);
    },
    logMigration: ({ name }) => markApplied(session, keyOf(name)),
    unlogMigration: ({ name }) => markUndone(session, keyOf(name)),
  };
}

async function runStep(context: RunContext, journaled: JournaledStep): Promise<void> {
  const step = journaled.definition;
  const key = { runId: context.runId, position: journaled.position };
  if (context.interrupted.aborted) throw interruptedError(step.id);
  const facts = stepFacts(step);
  context.emit({ kind: "step-started", step: facts });
  const left = await leftItsTable(context.session, step);
  if (left !== undefined) return passOver(context, journaled, left);
  const bytes = await tableBytes(context, step);
  const started = performance.now();
  try {
    switch (step.mode) {
      case "transaction":
        await runInTransaction(context, step, key);
        break;
      case "online":
        await runOnline(context, step, key);
        break;
      case "batches":
        await runBatches(context, step, key, journaled);
        break;
      case "application":
        await runApplication(context, step, key);
        break;
      default:
        step satisfies never;
    }
  } catch (error) {
    if (context.lease.lost.aborted) throw context.lease.lost.reason;
    if (context.interrupted.aborted && !(error instanceof AppError)) {
      throw interruptedError(step.id);
    }
    throw stepError(step, error);
  }
  const milliseconds = Math.round(performance.now() - started);
  const after = await tableBytes(context, step);
  const grownBytes = bytes === null || after === null ? null : after - bytes;
  await recordCost(context.session, key, { milliseconds, grownBytes });
  context.emit({ kind: "step-applied", step: facts, milliseconds, grownBytes });
  await verifyStep(context, journaled);
}

/** A step that has nothing to do any more; its claims were of what is gone. */
async function passOver(
  { session, runId, lease, emit }: RunContext,
  { definition, position }: JournaledStep,
  text: string,
): Promise<void> {
  const key = { runId, position };
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markApplied(queries, key);
    await markVerified(queries, key);
  });
  const step = stepFacts(definition);
  emit({ kind: "notice", text });
  emit({ kind: "step-applied", step, milliseconds: 0, grownBytes: null });
  emit({ kind: "step-verified", step, claims: [] });
}

/** The size of a step's table with its indexes; null for a step that has none. */
async function tableBytes({ session }: RunContext, { table }: Step): Promise<number | null> {
  if (table === undefined) return null;
  const [row] = await session.rows(
    sql`
      SELECT pg_total_relation_size(c.oid) AS bytes
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${table.schema}
         AND c.relname = ${table.name}
    `,
    z.object({ bytes: z.coerce.number() }),
  );
  return row?.bytes ?? null;
}

async function verifyStep(context: RunContext, journaled: JournaledStep): Promise<void> {
  const { definition: step, position } = journaled;
  const left = await leftItsTable(context.session, step);
  const results = left === undefined ? await ask(context.session, checksOf(step)) : [];
  const failed = results.filter(({ violations }) => violations.length > 0);
  if (failed.length > 0) {
    throw new AppError({
      code: "VERIFICATION_FAILED",
      object: step.id,
      fault: `${failed.length} of ${results.length} checks after the step do not hold`,
      state: "the step is applied and the stage is not complete",
      next: "tenantry rollback undoes the stage",
      details: failed.flatMap(({ claim, violations }) => [
        claim,
        ...violations.map((row) => `  ${row}`),
      ]),
    });
  }
  await markVerified(context.session, { runId: context.runId, position });
  context.emit({
    kind: "step-verified",
    step: stepFacts(step),
    claims: results.map(({ claim }) => claim),
  });
}
