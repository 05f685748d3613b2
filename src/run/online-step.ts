import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { stepFacts } from "../events/events.ts";
import { holdLease } from "../journal/lease.ts";
import { markApplied, markRunning, type StepKey } from "../journal/step-marks.ts";
import type { Online, OnlineStep, Step } from "../steps/model/step.ts";
import type { RunContext } from "./context.ts";
import { withLockRetry } from "./lock-retry.ts";

const stateSchema = z.object({ state: z.enum(["absent", "building", "broken", "done"]) });

/**
 * Runs a statement that cannot be in a transaction, from whatever state a killed run left: the
 * server goes on building after its client is gone, and an interrupted build leaves an INVALID
 * index that IF NOT EXISTS would take for a good one.
 */
export async function runOnline(
  context: RunContext,
  step: OnlineStep,
  key: StepKey,
): Promise<void> {
  const { session, lease } = context;
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markRunning(queries, key);
  });
  await withLockRetry(context, step, () => build(context, step, step));
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markApplied(queries, key);
  });
}

/** Builds from whatever state there is; what waits is said of the step that it is built for. */
export async function build(
  context: Pick<RunContext, "session" | "emit" | "interrupted">,
  step: Step,
  { up, state: asked, clean }: Online,
): Promise<void> {
  const { session, emit, interrupted } = context;
  for (;;) {
    const [row] = await session.rows(asked, stateSchema);
    const state = row?.state ?? "absent";
    switch (state) {
      case "done":
        return;
      case "absent":
        await session.execute(up);
        break;
      case "broken":
        await session.execute(clean);
        break;
      case "building":
        emit({
          kind: "step-waiting",
          step: stepFacts(step),
          attempt: 0,
          reason: "the server still builds it for a session that is gone",
        });
        await sleep(500, undefined, { signal: interrupted });
        break;
      default:
        state satisfies never;
    }
  }
}
