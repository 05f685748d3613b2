import { makeChanges, undoChanges } from "../application/files.ts";
import { type GateResult, runGate } from "../application/gates.ts";
import { AppError } from "../errors.ts";
import { stepFacts } from "../events/events.ts";
import { holdLease } from "../journal/lease.ts";
import { markApplied, markRunning, type StepKey } from "../journal/step-marks.ts";
import type { Gate } from "../steps/model/application.ts";
import type { ApplicationStep } from "../steps/model/step.ts";
import type { RunContext } from "./context.ts";
import { interruptedError } from "./interruption.ts";

/**
 * Changes the application's files between two runs of its gates. A gate that passes before and fails
 * after fails the step. A gate that fails before is reported and its result is ignored. Where no file
 * is changed, every gate must pass.
 * @throws AppError GATE_FAILED, FILES_EDITED
 */
export async function runApplication(
  context: RunContext,
  step: ApplicationStep,
  key: StepKey,
): Promise<void> {
  const { session, lease, emit, applicationFolder: folder } = context;
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markRunning(queries, key);
  });
  const broken = new Set<Gate>();
  if (step.changes.length > 0) {
    // A killed attempt may have changed files: the first gates run on the files as they were before it.
    await undoChanges(folder, step.changes);
    for (const gate of step.gates) {
      const result = await run(context, step, gate, "before");
      if (!result.holds) broken.add(gate);
    }
    await makeChanges(folder, step.changes);
  }
  const failed: GateResult[] = [];
  for (const gate of step.gates) {
    const result = await run(context, step, gate, "after");
    if (result.holds) continue;
    if (!broken.has(gate)) failed.push(result);
    else {
      const text = `gate ${gate.name} failed before Day 3 changed any file, and fails after: its result is ignored`;
      emit({ kind: "notice", text });
    }
  }
  if (failed.length > 0) throw gateFailed(step, failed);
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markApplied(queries, key);
  });
}

async function run(
  { emit, interrupted, applicationFolder }: RunContext,
  step: ApplicationStep,
  gate: Gate,
  when: "before" | "after",
): Promise<GateResult> {
  const facts = { step: stepFacts(step), gate: gate.name, when };
  emit({ kind: "gate-started", ...facts });
  const result = await runGate(gate, applicationFolder, interrupted);
  // An interrupted gate fails whatever the state of the application.
  if (interrupted.aborted) throw interruptedError(step.id);
  const { holds, milliseconds } = result;
  emit({ kind: "gate-finished", ...facts, holds, milliseconds });
  return result;
}

function gateFailed(step: ApplicationStep, failed: readonly GateResult[]): AppError {
  const names = failed.map(({ gate }) => gate.name).join(", ");
  const since = step.changes.length > 0 ? ", and passed before the files were changed" : "";
  return new AppError({
    code: "GATE_FAILED",
    object: step.id,
    fault: `gates of the application fail: ${names}${since}`,
    state: step.changes.length > 0 ? "the files are changed" : "no file was changed",
    next: "tenantry rollback restores the files",
    details: failed.map(({ gate, ending, said }) =>
      [`${gate.command} ${ending}`, ...said.map((line) => `  ${line}`)].join("\n"),
    ),
  });
}
