import { errorCodes } from "../errors.ts";
import { sqlStates } from "../postgres/sql-states.ts";
import { errorExplanations } from "./error-codes.ts";

/** docs/errors.md: every error's code, and every SQLSTATE that the plan can meet. */
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

Made from the code: \`npm run docs\`. An error says its object, what happened, the state now and what
to do next; this page and \`tenantry explain <code>\` say what its code means in general. Exit codes: 0
done, 1 failed, 2 wrong usage or configuration, 3 verification does not hold, 4 another run holds the
lease, 130 interrupted. Stacks are shown with \`--debug\` only.

| code | exit | what it means | the state then | what to do |
| --- | --- | --- | --- | --- |
${errors.join("\n")}

## What PostgreSQL refuses

\`STATEMENT_FAILED\` carries the SQLSTATE of the server. Those that the stages can meet, with \`xxx\` for
a whole class:

| SQLSTATE | condition | what it means here | what to do |
| --- | --- | --- | --- |
${states.join("\n")}
`;
}

/** A bar would end a cell. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
