import type { Command, CommanderError } from "commander";
import { closest, distance } from "fastest-levenshtein";
import { AppError } from "../errors.ts";
import { redacted } from "../postgres/redaction.ts";

/** Arguments that commander does not understand, as an AppError. */
export function usageError(root: Command, { code, message }: CommanderError): AppError {
  const { command, mistyped } = reached(root);
  const [fault = "", ...hints] = message.replace(/^error: /, "").split("\n");
  return new AppError({
    code: "USAGE",
    object: nameOf(command),
    // It quotes what it does not understand, which may be a URL.
    fault: redacted(
      code !== "commander.excessArguments" || mistyped === undefined
        ? [fault, ...hints].join(" ")
        : noCommand(command, mistyped),
    ),
    state: "nothing was changed",
    next: `${nameOf(command)} --help`,
  });
}

/** The command that was called, and a word behind it that is not one of its commands. */
function reached(command: Command): { command: Command; mistyped?: string } {
  const [word] = command.args;
  const below = command.commands.find((one) => one.name() === word);
  if (below !== undefined) return reached(below);
  return word === undefined || command.commands.length === 0
    ? { command }
    : { command, mistyped: word };
}

function noCommand(command: Command, mistyped: string): string {
  const known = command.commands.map((one) => one.name());
  const near = closest(mistyped, known);
  const hint =
    distance(mistyped, near) <= 2 ? `did you mean ${near}?` : `there are ${known.join(", ")}`;
  return `there is no command ${mistyped}: ${hint}`;
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
