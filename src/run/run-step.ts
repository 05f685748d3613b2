import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { type Listener, stepFacts } from "../events/events.ts";
import { holdLease } from "../journal/lease.ts";
import { markApplied, markVerified, recordCost, type StepKey } from "../journal/step-marks.ts";
import type { JournaledStep } from "../journal/steps.ts";
import { sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { checksOf, type Step, type StepOutline } from "../steps/model/step.ts";
import { ask } from "../verify/checks.ts";
import { runApplication } from "./application-step.ts";
import { runBatches } from "./backfill/backfill-step.ts";
import { detachedPartition } from "./backfill/detached-partition.ts";
import type { RunContext, StepContext } from "./context.ts";
import { interruptedError } from "./interruption.ts";
import { stepError } from "./lock-retry.ts";
import { runOnline } from "./online-step.ts";
import { persevere } from "./persevere.ts";
import { runInTransaction } from "./transaction-step.ts";

/**
 * Runs one step and verifies it. After a fault that can pass it continues from what the journal says.
 * @param read reads the step from the journal, each time anew
 * @throws AppError; the journal has the state of the step then
 */
export async function runStep(
  context: StepContext,
  step: StepOutline,
  read: () => Promise<JournaledStep>,
): Promise<void> {
  if (context.interrupted.aborted) throw interruptedError(step.id);
  const facts = stepFacts(step);
  context.emit({ kind: "step-started", step: facts });
  const started = performance.now();
  try {
    await persevere(context, step.id, async (progressed) => {
      const journaled = await read();
      const detached = await detachedPartition(context.session, step);
      if (detached !== undefined) return skip(context, journaled, detached);
      const emit: Listener = (event) => {
        if (event.kind === "step-progress") progressed();
        context.emit(event);
      };
      await apply({ ...context, emit }, journaled, started);
      await verifyStep(context, journaled);
    });
  } catch (thrown) {
    const error = failureOf(context, step, thrown);
    const code = error instanceof AppError ? error.code : "INTERNAL";
    context.emit({ kind: "step-failed", step: facts, code, message: messageOf(error) });
    throw error;
  }
}

function failureOf({ lease, interrupted }: RunContext, step: StepOutline, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (lease.lost.aborted) return lease.lost.reason;
  const queryCanceled = "57014";
  const state = sqlState(error);
  if (interrupted.aborted && (state === undefined || state === queryCanceled)) {
    return interruptedError(step.id);
  }
  return stepError(step, error);
}

async function apply(
  context: StepContext,
  journaled: JournaledStep,
  started: number,
): Promise<void> {
  const { definition: step, position } = journaled;
  const key = { runId: context.runId, position };
  const bytes = await tableBytes(context, step);
  // The answer to a COMMIT can be lost with the connection.
  if (journaled.state !== "applied") await applyByMode(context, journaled, key);
  const milliseconds = Math.round(performance.now() - started);
  const after = await tableBytes(context, step);
  const grownBytes = bytes === null || after === null ? null : after - bytes;
  await recordCost(context.session, key, { milliseconds, grownBytes });
  context.emit({ kind: "step-applied", step: stepFacts(step), milliseconds, grownBytes });
}

async function applyByMode(
  context: StepContext,
  journaled: JournaledStep,
  key: StepKey,
): Promise<void> {
  const step = journaled.definition;
  switch (step.mode) {
    case "transaction":
      return runInTransaction(context, step, key);
    case "online":
      return runOnline(context, step, key);
    case "batches":
      return runBatches(context, step, key, journaled);
    case "application":
      return runApplication(context, step, key);
    default:
      return step satisfies never;
  }
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
