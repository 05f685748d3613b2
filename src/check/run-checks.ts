import { AppError, messageOf } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import { isConnectionLoss, type Session, sqlState } from "../postgres/connection.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { sql } from "../postgres/sql.ts";
import type { CheckSubject, Found, PreflightCheck } from "./check.ts";

/** How long one statement of a check may take. */
const limit = "5s";

/**
 * Runs checks, each in a separate read-only transaction, so that one failure does not hide the
 * others. A check that fails is reported as a finding.
 * @returns the findings, blocking ones first
 * @throws Error if the connection is lost
 */
export async function askChecks(
  checks: readonly PreflightCheck[],
  session: Session,
  subject: CheckSubject,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    for (const found of await ask(check, session, subject)) {
      const { severity, what, why = check.why, fix } = found;
      findings.push({ id: check.id, title: check.title, severity, ...what, why, fix });
    }
  }
  const blocking = findings.filter(({ severity }) => severity === "blocking");
  return [...blocking, ...findings.filter(({ severity }) => severity !== "blocking")];
}

async function ask(
  check: PreflightCheck,
  session: Session,
  subject: CheckSubject,
): Promise<readonly Found[]> {
  try {
    return await readCatalog(session, async (queries) => {
      await queries.execute(sql`SELECT set_config('statement_timeout', ${limit}, TRUE)`);
      await queries.execute(sql`SELECT set_config('lock_timeout', ${limit}, TRUE)`);
      await queries.execute(sql`SET LOCAL search_path = pg_catalog`);
      return await check.find({ ...subject, queries, pooled: session.pooled });
    });
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    return [error instanceof AppError ? refusal(error) : notRun(check, error)];
  }
}

/** An error that a stage would stop with later becomes a blocking finding now. */
function refusal({ object, fault, next, details }: AppError): Found {
  const fact = [fault, ...details].join("; ");
  return { severity: "blocking", what: { object, fact }, fix: next };
}

function notRun(check: PreflightCheck, error: unknown): Found {
  return {
    // The result is unknown; a check that stops a command must not be skipped.
    severity: check.stops.length > 0 ? "blocking" : "advisory",
    what: { object: check.title, fact: `could not be checked: ${messageOf(error)}` },
    fix: fixFor(sqlState(error)),
  };
}

function fixFor(state: string | undefined): string {
  switch (state) {
    // insufficient_privilege
    case "42501":
      return "connect as a role with the privilege that the message names";
    // query_canceled, lock_not_available
    case "57014":
    case "55P03":
      return `run tenantry check again when the server is less busy: it did not answer within ${limit}`;
    default:
      return "fix the problem in the message, then run tenantry check again";
  }
}
