import { MigrationError } from "umzug";
import { AppError, type ErrorCode, messageOf } from "../errors.ts";
import type { JournaledOutline } from "../journal/steps.ts";
import type { LaneItems } from "../steps/model/lanes.ts";
import type { StepContext } from "./context.ts";

/**
 * Runs lanes at the same time, each on its own session, as many as there are sessions. When a lane
 * fails, the others stop at the end of their step or batch.
 * @throws the first failure, when all have stopped; the journal has the state of each lane
 */
export async function runLanes(
  context: StepContext,
  lanes: readonly LaneItems<JournaledOutline>[],
  runLane: (context: StepContext, steps: readonly JournaledOutline[]) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const failures: unknown[] = [];
  const interrupted = AbortSignal.any([context.interrupted, failed.signal]);
  const ended = new Map<string, Promise<void>>();
  for (const { name, after, items } of lanes) {
    const run = async (): Promise<void> => {
      await Promise.all(after.map((lane) => ended.get(lane)));
      await context.sessions.lend(async (session) => {
        if (!failed.signal.aborted) await runLane({ ...context, session, interrupted }, items);
      });
    };
    const fail = (thrown: unknown): void => {
      // umzug wraps what a step throws.
      failures.push(thrown instanceof MigrationError ? thrown.cause : thrown);
      failed.abort();
    };
    ended.set(name, run().catch(fail));
  }
  await Promise.all(ended.values());
  if (failures.length === 0) return;
  const [first, ...others] = failures;
  for (const error of others.filter(isAnotherFailure)) {
    context.emit({ kind: "notice", text: `also failed: ${messageOf(error)}` });
  }
  throw first;
}

/** Errors that end all lanes for the same reason, which are reported once. */
const shared: readonly ErrorCode[] = ["INTERRUPTED", "LEASE_LOST", "CONNECTION_LOST"];

function isAnotherFailure(error: unknown): boolean {
  return !(error instanceof AppError && shared.includes(error.code));
}
