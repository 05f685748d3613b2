import { AppError } from "../errors.ts";
import { isConnectionLoss, sqlState } from "../postgres/connection.ts";
import { redacted } from "../postgres/redaction.ts";
import { explainSqlState } from "../postgres/sql-states.ts";
import { colorsFor } from "../report/colors.ts";
import { jsonLine } from "../report/json.ts";
import { withName, wrapped } from "../report/wrap.ts";
import type { ErrorResult } from "./results.ts";

/** Says on standard error what happened, to what, the state now, and what to do next. */
export function showError(
  thrown: unknown,
  { json, debug }: { json: boolean; debug: boolean },
): void {
  const result = errorResult(thrown, debug);
  if (json) {
    process.stdout.write(jsonLine(result));
    return;
  }
  const { code, object, fault, state, next, details, stack } = result;
  const pc = colorsFor(process.stderr);
  // A pipe has no width.
  const { columns = Number.POSITIVE_INFINITY } = process.stderr;
  const said = (text: string, margin: string) => wrapped(text, columns, margin).trimStart();
  const about = oneLine(object);
  const what = `${about}: ${harmless(fault)}`;
  // What has lines of its own keeps them.
  const told = what.includes("\n") ? what : said(what, "    ");
  const headed = told.startsWith(about) ? pc.bold(about) + told.slice(about.length) : told;
  const lines = [
    `${pc.red(pc.bold("✘"))} ${withName(told, code, columns, pc).replace(told, () => headed)}`,
    ...details.map((detail) => `    ${harmless(detail).replaceAll("\n", "\n    ")}`),
    `  now:  ${said(oneLine(state), "        ")}`,
    `  next: ${said(oneLine(next), "        ")}`,
    ...(stack === undefined ? [] : [pc.dim(stack)]),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** A name or a row may hold what steers a terminal, or what looks like a line of ours. */
function harmless(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "\\n");
}

/** An error as a line of JSON has it; its stack is for developers. */
export function errorResult(thrown: unknown, withStack: boolean): ErrorResult {
  const error = connectionLost(thrown) ?? refusedByServer(thrown) ?? thrown;
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
    fault: `met a fault of its own: ${redacted(error instanceof Error ? error.message : String(error))}`,
    state: "tenantry status says where the stages stand; what was committed stays",
    next: "run it again with --debug, which says where it happened, and please report it",
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
      explainSqlState(state)?.next ??
      "tenantry status says where things stand; --debug shows the statement",
    cause: error,
  });
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
