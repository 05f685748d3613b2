import { type CheckResult, type TriedOutcome, triedCommands } from "../../events/verification.ts";
import { colorsFor } from "./colors.ts";
import { formatTable } from "./table.ts";

/**
 * Who tried what on which table: a row a table, a column a persona, a letter a command. What others
 * got through to is a cross, what could not be tried a dot.
 */
export function showMatrix(results: readonly CheckResult[], columns: number): string {
  const trials = results.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  if (trials.length === 0) return "";
  const personas = [...new Set(trials.map(({ persona }) => persona))];
  const tables = [...new Set(trials.map(({ table }) => table))];
  const letters = personas.map((_, index) => String(index + 1));
  const rows = tables.map((table) => [
    table,
    ...personas.map((persona) => {
      const found = trials.find((trial) => trial.table === table && trial.persona === persona);
      if (found === undefined) return "";
      return triedCommands
        .map((command) => mark(command.slice(0, 1), found.commands[command]))
        .join("");
    }),
  ]);
  const legend = personas.map((persona, index) => `  ${letters[index]}  ${persona}`);
  return `${formatTable(["table", ...letters], rows, [], columns)}
${legend.join("\n")}
  ${triedCommands.map((command) => `${command.slice(0, 1)} ${command}`).join(", ")}; ✘ got through, · not tried
`;
}

function mark(letter: string, outcome: TriedOutcome): string {
  const colors = colorsFor(process.stdout);
  switch (outcome) {
    case "held":
      return colors.green(letter);
    case "open":
      return colors.red("✘");
    case "untried":
      return colors.dim("·");
    default:
      return outcome satisfies never;
  }
}
