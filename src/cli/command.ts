import { type Command, InvalidArgumentError, Option } from "commander";
import { closest } from "fastest-levenshtein";
import { runNameSchema, stageNames } from "../steps/model/stage.ts";
import { type CommandName, commandHelp, helpAfter } from "./help.ts";
import { failureChoices } from "./options.ts";

/** What every command takes. */
export function common(command: Command): Command {
  return command
    .option("--url <url>", "the database (else DATABASE_URL, else the PG* variables and ~/.pgpass)")
    .option("--config <file>", "the configuration (else tenantry.config.ts, .json or .yaml here)")
    .option("--json", "one JSON value a line, for programs")
    .option("--yes", "do not ask")
    .option("--quiet", "show errors and results only")
    .option("--verbose", "show every step and every check, a line each")
    .option("--debug", "show every SQL statement and the stack of an error, too");
}

/** Adds a command with its help. */
export function add(parent: Command, name: CommandName): Command {
  // Below another command its key has both words.
  const word = name.split(" ").at(-1) ?? name;
  return common(parent.command(word).description(commandHelp[name].about))
    .addHelpText("after", helpAfter(name))
    .exitOverride();
}

/** Where a backup is restored, and what decrypts it: options of several commands. */
export function withScratchOptions(command: Command): Command {
  return command
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted");
}

/** What becomes of a stage that fails: an option of the commands that run one. */
export function onFailureChoice(): Option {
  return new Option(
    "--on-failure <what>",
    "if a step fails: roll the stage back, stop and keep what is applied, or ask (else online.onFailure, else ask at a terminal, else rollback)",
  ).choices(failureChoices);
}

/** Whatever is no stage is refused with the nearest; a shell completes the three. */
export function stageChoice(description: string): Option {
  return new Option("--stage <stage>", description).choices(stageNames).argParser((value) => {
    // Of tables that came later, where the command takes them.
    if (runNameSchema.safeParse(value).success) return value;
    throw new InvalidArgumentError(
      `The stages are ${stageNames.join(", ")}; did you mean ${closest(value, stageNames)}?`,
    );
  });
}
