import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import type { Session } from "../postgres/connection.ts";
import type { CheckContext, CheckSubject, WritingCommand } from "./check.ts";
import { checks } from "./index.ts";
import { askChecks } from "./run-checks.ts";

/**
 * Runs the checks that can stop a command that writes, before anything is changed.
 * @throws AppError PREFLIGHT_FAILED with every blocking finding
 */
export async function refuseToWrite(
  command: WritingCommand,
  session: Session,
  subject: CheckSubject,
): Promise<void> {
  const asked = checks.filter(({ stops }) => stops.includes(command));
  const error = preflightError(await askChecks(asked, session, subject), subject);
  if (error !== undefined) throw error;
}

/** The error for blocking findings; undefined without one. */
export function preflightError(
  findings: readonly Finding[],
  { snapshot }: Pick<CheckContext, "snapshot">,
): AppError | undefined {
  const blocking = findings.filter(({ severity }) => severity === "blocking");
  if (blocking.length === 0) return undefined;
  return new AppError({
    code: "PREFLIGHT_FAILED",
    object: snapshot.server.database,
    fault: `${blocking.length} blocking ${blocking.length === 1 ? "finding" : "findings"}`,
    state: "nothing was changed",
    next: "fix the findings listed and run the same command again; all findings: tenantry check",
    details: blocking.map(({ id, object, fact, fix }) => `${id}: ${object}: ${fact} → ${fix}`),
  });
}
