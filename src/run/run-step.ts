import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { stepFacts } from "../events/events.ts";
import { holdLease } from "../journal/lease.ts";
import { markApplied, markVerified, recordCost, type StepKey } from "../journal/step-marks.ts";
import type { JournaledStep } from "../journal/steps.ts";
import { sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { checksOf, type Step } from "../steps/model/step.ts";
import { ask } from "../verify/checks.ts";
import { runApplication } from "./application-step.ts";
import { runBatches } from "./backfill/backfill-step.ts";
import { detachedPartition } from "./backfill/detached-partition.ts";
import type { RunContext, StepContext } from "./context.ts";
import { interruptedError } from "./interruption.ts";
import { stepError } from "./lock-retry.ts";
import { runOnline } from "./online-step.ts";
import { runInTransaction } from "./transaction-step.ts";

/**
 * Runs one step and verifies it.
 * @throws AppError; the journal has the state of the step then
 */
export async function runStep(context: StepContext, journaled: JournaledStep): Promise<void> {
  const { definition: step, position } = journaled;
  if (context.interrupted.aborted) throw interruptedError(step.id);
  const facts = stepFacts(step);
  context.emit({ kind: "step-started", step: facts });
  try {
    const detached = await detachedPartition(context.session, step);
    if (detached !== undefined) return await skip(context, journaled, detached);
    await apply(context, journaled, { runId: context.runId, position });
    await verifyStep(context, journaled);
  } catch (thrown) {
    const error = failureOf(context, step, thrown);
    const code = error instanceof AppError ? error.code : "INTERNAL";
    context.emit({ kind: "step-failed", step: facts, code, message: messageOf(error) });
    throw error;
  }
}

function failureOf({ lease, interrupted }: RunContext, step: Step, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (lease.lost.aborted) return lease.lost.reason;
  const queryCanceled = "57014";
  const state = sqlState(error);
  if (interrupted.aborted && (state === undefined || state === queryCanceled)) {
    return interruptedError(step.id);
  }
  return stepError(step, error);
}

async function apply(context: StepContext, journaled: JournaledStep, key: StepKey): Promise<void> {
  const step = journaled.definition;
  const bytes = await tableBytes(context, step);
  const started = performance.now();
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
  const milliseconds = Math.round(performance.now() - started);
  const after = await tableBytes(context, step);
  const grownBytes = bytes === null || after === null ? null : after - bytes;
  await recordCost(context.session, key, { milliseconds, grownBytes });
  context.emit({ kind: "step-applied", step: stepFacts(step), milliseconds, grownBytes });
}

/** Marks a step as applied and verified whose table does not exist any more. */
async function skip(
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

/** The size of a step's table with its indexes; null for a step without a table. */
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

/** @throws AppError VERIFICATION_FAILED with the rows that contradict the step's claims */
export async function verifyStep(context: RunContext, journaled: JournaledStep): Promise<void> {
  const { definition: step, position } = journaled;
  const detached = await detachedPartition(context.session, step);
  const results = detached === undefined ? await ask(context.session, checksOf(step)) : [];
  const failed = results.filter(({ violations }) => violations.length > 0);
  if (failed.length > 0) {
    throw new AppError({
      code: "VERIFICATION_FAILED",
      object: step.id,
      fault: `${failed.length} of ${results.length} checks after the step failed`,
      state: "the step is applied, but the stage is not complete",
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
