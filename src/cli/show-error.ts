import pc from "picocolors";
import { AppError } from "../errors.ts";

/** Says on standard error what happened, to what, the state now, and what to do next. */
export function showError(error: unknown, { json }: { json: boolean }): void {
  if (!(error instanceof AppError)) {
    // Not one of ours: a fault of the program, for which its developers need the stack.
    process.stderr.write(
      `tenantry met a fault of its own; please report it.\n${error instanceof Error ? error.stack : String(error)}\n`,
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
