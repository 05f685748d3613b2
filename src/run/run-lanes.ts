import { MigrationError } from "umzug";
import { AppError, type ErrorCode } from "../errors.ts";
import type { JournaledOutline } from "../journal/steps.ts";
import type { LaneItems } from "../steps/model/lanes.ts";
import type { StepContext } from "./context.ts";

/**
 * Runs lanes side by side, each on a session of its own and as many as there are sessions.
 * Where a lane fails, the others stop at their next safe point: a step's end, or a batch's.
 * @throws the first failure, when all have stopped; the journal says where each lane stands
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
  for (const error of others.filter(saysMore)) {
    const message = error instanceof Error ? error.message : String(error);
    context.emit({ kind: "notice", text: `failed beside it: ${message}` });
  }
  throw first;
}

/** What ends all lanes alike is said once. */
const alike: readonly ErrorCode[] = ["INTERRUPTED", "LEASE_LOST", "CONNECTION_LOST"];

function saysMore(error: unknown): boolean {
  return !(error instanceof AppError && alike.includes(error.code));
}
