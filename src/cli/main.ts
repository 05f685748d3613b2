import { CommanderError } from "commander";
import { AppError, exitCodes } from "../errors.ts";
import { redacted } from "../postgres/redaction.ts";
import { program } from "./program.ts";
import { showError } from "./show-error.ts";

/**
 * Runs the command line.
 * @param argv the arguments behind the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    // Help and the version are no errors, and have been said.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    const shown = error instanceof CommanderError ? wrongUsage(error) : error;
    showError(shown, { json: argv.includes("--json"), debug: argv.includes("--debug") });
    return shown instanceof AppError ? shown.exitCode : exitCodes.failed;
  }
}

/** What the parser did not understand; it quotes that, which may be a URL with its password. */
function wrongUsage({ message }: CommanderError): AppError {
  const [fault = "", ...hints] = redacted(message.replace(/^error: /, "")).split("\n");
  return new AppError({
    code: "USAGE",
    object: "tenantry",
    fault,
    state: "nothing was changed",
    next: "tenantry --help, or tenantry <command> --help",
    details: hints,
  });
}
