import { errorCodes } from "../errors.ts";
import { sqlStates } from "../postgres/sql-states.ts";
import { errorExplanations } from "./error-codes.ts";

/** docs/errors.md: every error code, and every SQLSTATE that a stage can get from the server. */
export function errorsPage(): string {
  const exits: Readonly<Record<string, number>> = errorCodes;
  const errors = Object.entries(errorExplanations).map(([code, { means, state, next }]) =>
    row([`\`${code}\``, String(exits[code] ?? 1), means, state, next]),
  );
  const states = Object.entries(sqlStates)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([state, { condition, means, next }]) =>
      row([`\`${state.padEnd(5, "x")}\``, condition, means, next]),
    );
  return `# Errors

This page is generated from the code by \`npm run docs\`. An error message has four parts: what failed and
on which object, why, what state things are in now, and the next command. This page and
\`tenantry explain <code>\` describe what each code means in general.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 verification failed, 4 another run holds the
lease, 130 interrupted. Stack traces are printed only with \`--debug\`.

| code | exit code | what it means | state | what to do |
| --- | --- | --- | --- | --- |
${errors.join("\n")}

## SQLSTATEs

\`STATEMENT_FAILED\` shows the server's SQLSTATE. These are the ones that a stage can get; \`x\` stands for any
character:

| SQLSTATE | condition | what it means here | what to do |
| --- | --- | --- | --- |
${states.join("\n")}
`;
}

/** A row of a Markdown table: a bar in a cell is escaped. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
