import pc from "picocolors";
import { AppError } from "../errors.ts";
import { isConnectionLoss } from "../postgres/connection.ts";
import { redacted } from "../postgres/redaction.ts";

/** Says on standard error what happened, to what, the state now, and what to do next. */
export function showError(thrown: unknown, { json }: { json: boolean }): void {
  const error = connectionLost(thrown) ?? thrown;
  if (!(error instanceof AppError)) {
    // Not one of ours: a fault of the program, for which its developers need the stack.
    process.stderr.write(
      `tenantry met a fault of its own; please report it.\n${redacted(String(error instanceof Error ? error.stack : error))}\n`,
    );
    return;
  }
  const { code, object, fault, state, next, details } = error;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ kind: "error", code, object, fault, state, next, details })}\n`,
    );
    return;
  }
  const lines = [
    `${pc.red(pc.bold("✘"))} ${pc.bold(object)}: ${fault}  ${pc.dim(code)}`,
    ...details.map((detail) => `    ${detail}`),
    `  now:  ${state}`,
    `  next: ${next}`,
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** A connection that is lost outside any step: while looking, verifying or planning. */
function connectionLost(error: unknown): AppError | undefined {
  if (!isConnectionLoss(error)) return undefined;
  return new AppError({
    code: "CONNECTION_LOST",
    object: "the server",
    fault: `the connection was lost: ${error instanceof Error ? error.message : String(error)}`,
    state: "what was committed stays; nothing is half done",
    next: "run the same command again when the server answers",
    cause: error,
  });
}
