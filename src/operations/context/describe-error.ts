import { z } from "zod";
import { AppError, diskFix, messageOf } from "../../errors.ts";
import { explainRefusal, isConnectionLoss, sqlState } from "../../postgres/connection.ts";
import { redacted } from "../../postgres/redaction.ts";
import type { ErrorResult } from "./results.ts";

/** Whatever an operation threw, as data: what failed, on what, the state now, the next command. */
export function describeError(thrown: unknown, withStack: boolean): ErrorResult {
  const error =
    connectionLost(thrown) ?? refusedByServer(thrown) ?? refusedByDisk(thrown) ?? thrown;
  const stack =
    withStack && thrown instanceof Error ? { stack: redacted(thrown.stack ?? thrown.message) } : {};
  if (error instanceof AppError) {
    const { code, object, fault, state, next, details } = error;
    return { kind: "error", code, object, fault, state, next, details: [...details], ...stack };
  }
  return {
    kind: "error",
    code: "INTERNAL",
    object: "tenantry",
    fault: `internal error: ${redacted(messageOf(error))}`,
    state: "what was committed stays; tenantry status shows the state of the stages",
    next: "run it again with --debug, which shows where it happened, and please report it",
    details: [],
    ...stack,
  };
}

/** What the server refused outside any step: while looking, planning or writing the journal. */
function refusedByServer(error: unknown): AppError | undefined {
  const state = sqlState(error);
  if (state === undefined || !(error instanceof Error)) return undefined;
  return new AppError({
    code: "STATEMENT_FAILED",
    object: "the server",
    fault: `${redacted(error.message)} (SQLSTATE ${state})`,
    state: "that statement was rolled back; what was committed before it stays",
    next:
      explainRefusal(error)?.next ??
      "tenantry status shows the state of the stages; --debug shows the statement",
    cause: error,
  });
}

const pathSchema = z.object({ path: z.string() });

/** A file that a disk did not take, and for which nobody expected that: a temporary one. */
function refusedByDisk(error: unknown): AppError | undefined {
  const fix = diskFix(error, "set TMPDIR to a folder on another disk");
  if (fix === undefined || error instanceof AppError) return undefined;
  return new AppError({
    code: "FILE_NOT_WRITTEN",
    object: pathSchema.safeParse(error).data?.path ?? "a file",
    fault: messageOf(error),
    state: "what was committed stays; tenantry status shows the state of the stages",
    next: `${fix}; then run the same command again`,
    cause: error,
  });
}

/** A connection that is lost outside any step: while looking, verifying or planning. */
function connectionLost(error: unknown): AppError | undefined {
  if (!isConnectionLoss(error)) return undefined;
  return new AppError({
    code: "CONNECTION_LOST",
    object: "the server",
    fault: `the connection was lost: ${messageOf(error)}`,
    state: "what was committed stays; nothing is half done",
    next: "run the same command again when the server answers",
    cause: error,
  });
}
