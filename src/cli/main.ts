import { CommanderError } from "commander";
import { AppError, exitCodes } from "../errors.ts";
import { program } from "./program.ts";
import { usageError } from "./usage.ts";

/**
 * Runs the command line.
 * @param argv the arguments behind the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const root = program();
  try {
    await root.parseAsync([...argv], { from: "user" });
    return exitCodes.done;
  } catch (thrown) {
    const unread = thrown instanceof CommanderError;
    // Help and version are not errors; they are printed already.
    if (unread && thrown.exitCode === 0) return exitCodes.done;
    const error = unread ? usageError(root, thrown) : thrown;
    const { showError } = await import("./screens/error.ts");
    showError(error, { json: argv.includes("--json"), debug: argv.includes("--debug") });
    return error instanceof AppError ? error.exitCode : exitCodes.failed;
  }
}
