import { AppError } from "../errors.ts";
import { type Target, targetParts } from "../postgres/connection.ts";
import type { GlobalOptions } from "./options.ts";
import { askText, askYesOrNo } from "./prompt.ts";

/** Whether somebody is there who can be asked. */
export function mayAsk({ yes, json }: Pick<GlobalOptions, "yes" | "json">): boolean {
  return !yes && !json && process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Asks before something is done; a database that is not local is confirmed by its name.
 * @throws AppError CONFIRMATION_NEEDED where nobody can be asked, or who was asked said no
 */
export async function confirm(
  options: Pick<GlobalOptions, "yes" | "json">,
  { question, database, target }: { question: string; database: string; target: Target },
): Promise<void> {
  if (options.yes) return;
  if (!mayAsk(options)) {
    throw notConfirmed("nobody is there to confirm it", "run it again with --yes");
  }
  const { host } = targetParts(target);
  const local = ["localhost", "127.0.0.1", "::1"].includes(host) || host.startsWith("/");
  const answer = local
    ? await askYesOrNo(question)
    : await askText(`${question}\n  It is on ${host}. Type the database's name to go on:`);
  if (answer !== true && answer !== database) {
    throw notConfirmed("it was not confirmed", "run it again when it is meant");
  }
}

function notConfirmed(fault: string, next: string): AppError {
  return new AppError({
    code: "CONFIRMATION_NEEDED",
    object: "tenantry",
    fault,
    state: "nothing was changed",
    next,
  });
}
