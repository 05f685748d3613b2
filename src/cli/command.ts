import { type Command, InvalidArgumentError, Option } from "commander";
import { closest } from "fastest-levenshtein";
import { AppError } from "../errors.ts";
import { stageNames } from "../steps/stage.ts";
import { type CommandName, commandHelp, helpAfter } from "./help.ts";

/** What every command takes. */
export function common(command: Command): Command {
  return command
    .option("--url <url>", "the database (else DATABASE_URL, else the PG* variables and ~/.pgpass)")
    .option("--config <file>", "the configuration (else tenantry.config.ts, .json or .yaml here)")
    .option("--json", "one JSON value a line, for programs")
    .option("--yes", "do not ask")
    .option("--quiet", "say errors and results only")
    .option("--verbose", "say every step and every check, a line each")
    .option("--debug", "say every SQL statement too, and where an error came from");
}

/** Adds a command with its help. */
export function add(parent: Command, name: CommandName): Command {
  return common(parent.command(name).description(commandHelp[name].about))
    .addHelpText("after", helpAfter(name))
    .exitOverride();
}

/**
 * A word behind a command that works without one is a mistyped command of its own.
 * @throws AppError USAGE with the nearest that there is
 */
export function refuseUnknownCommand(command: Command): void {
  const [word] = command.args;
  if (word === undefined) return;
  const names = command.commands.map((known) => `${path(command)} ${known.name()}`);
  throw new AppError({
    code: "USAGE",
    object: word,
    fault: "is no command",
    state: "nothing was changed",
    next: `did you mean ${closest(`${path(command)} ${word}`, names)}? ${path(command)} --help shows what there is`,
  });
}

/** A command as it is typed. */
function path(command: Command): string {
  return command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`;
}

/** Whatever is no stage is refused with the nearest; a shell completes the three. */
export function stageChoice(description: string): Option {
  return new Option("--stage <stage>", description).choices(stageNames).argParser((value) => {
    if (stageNames.some((name) => name === value)) return value;
    throw new InvalidArgumentError(
      `The stages are ${stageNames.join(", ")}; did you mean ${closest(value, stageNames)}?`,
    );
  });
}
