import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import type { Session } from "../postgres/connection.ts";
import { askChecks } from "./ask.ts";
import type { CheckContext, WritingCommand } from "./check.ts";
import { checks } from "./index.ts";

/**
 * Looks at all that would stop a command that writes, before anything is touched.
 * @throws AppError PREFLIGHT_FAILED with every blocking finding
 */
export async function refuseToWrite(
  command: WritingCommand,
  session: Session,
  place: Omit<CheckContext, "queries" | "pooled">,
): Promise<void> {
  const asked = checks.filter(({ stops }) => stops.includes(command));
  const error = preflightError(await askChecks(asked, session, place), place);
  if (error !== undefined) throw error;
}

/** The error for blocking findings, or undefined where there is none. */
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
