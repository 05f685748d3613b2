import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { stepFacts } from "../events/events.ts";
import { holdLease } from "../journal/lease.ts";
import { endOlderSessions } from "../journal/lease-sessions.ts";
import { markApplied, markRunning, type StepKey } from "../journal/step-marks.ts";
import type { Online, OnlineStep, Step } from "../steps/model/step.ts";
import type { RunContext } from "./context.ts";
import { withLockRetry } from "./lock-retry.ts";

const stateSchema = z.object({ state: z.enum(["absent", "building", "broken", "done"]) });

/**
 * Runs a statement that cannot be in a transaction, from any state that a killed run left: the server
 * continues a build after its client is lost, and an interrupted build leaves an INVALID index, which
 * IF NOT EXISTS would take for a valid one.
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

/** Builds an index from any state. Waiting is reported of the given step. */
export async function build(
  context: Pick<RunContext, "session" | "lease" | "emit" | "interrupted">,
  step: Step,
  { up, state: asked, clean }: Online,
): Promise<void> {
  const { session, lease, emit, interrupted } = context;
  for (;;) {
    // Another run may have taken the lease since: then its own build is none of ours.
    await holdLease(session, lease.token);
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
          reason: "the server still builds it for a session that was lost",
        });
        await sleep(500, undefined, { signal: interrupted });
        // Once it has ended, its client could send more.
        await endOlderSessions(session, lease.token, "keep builds");
        break;
      default:
        state satisfies never;
    }
  }
}
