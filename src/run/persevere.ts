import pRetry from "p-retry";
import { AppError, messageOf } from "../errors.ts";
import { isTransient, sqlState } from "../postgres/connection.ts";
import type { RunContext } from "./context.ts";
import { interruptedError } from "./interruption.ts";

type Persevering = Pick<
  RunContext,
  "session" | "observer" | "lease" | "online" | "interrupted" | "emit"
>;

/**
 * Does work that goes on from where it was, and does it again after a fault that can pass, on a new
 * connection where the old one is lost. It gives up when there was no progress for
 * `online.giveUpAfterInMilliseconds`, or when another run has the lease.
 * @param what what is done, in a notice: `day1/leads/index`
 * @param work called with a function to say that there was progress
 * @throws the last error, or AppError INTERRUPTED or LEASE_LOST while it waits
 */
export async function persevere<Result>(
  { session, observer, lease, online, interrupted, emit }: Persevering,
  what: string,
  work: (progressed: () => void) => Promise<Result>,
): Promise<Result> {
  let failingSince: number | undefined;
  const again = (error: unknown): boolean => {
    if (!canPass(error) || lease.lost.aborted || interrupted.aborted) return false;
    const now = performance.now();
    failingSince ??= now;
    const left = online.giveUpAfterInMilliseconds - (now - failingSince);
    if (left <= 0) return false;
    const text = `${what}: ${reasonOf(error)}; trying again, for ${Math.ceil(left / 1000)} s at most`;
    emit({ kind: "notice", text });
    return true;
  };
  const attempts = pRetry(
    async (attempt) => {
      if (attempt > 1) {
        await session.reconnect();
        await observer.reconnect();
      }
      return work(() => {
        failingSince = undefined;
      });
    },
    {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 200,
      maxTimeout: 5_000,
      randomize: true,
      signal: AbortSignal.any([interrupted, lease.lost]),
      shouldRetry: ({ error }) => again(error),
    },
  );
  return attempts.catch((error: unknown) => {
    // The signal's own reason says nothing.
    throw error === interrupted.reason ? interruptedError(what) : error;
  });
}

/** Whether work can succeed later without anybody changing it. */
export function canPass(error: unknown): boolean {
  if (!(error instanceof AppError)) return isTransient(error);
  if (error.code !== "CONNECTION_FAILED") return false;
  // A network that is away has no SQLSTATE; a role or a database that is gone has one.
  return sqlState(error.cause) === undefined || isTransient(error.cause);
}

function reasonOf(error: unknown): string {
  return error instanceof AppError ? `${error.object}: ${error.fault}` : messageOf(error);
}
