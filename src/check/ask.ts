import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import { isConnectionLoss, type Session, sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import type { Check, CheckContext, Found } from "./check.ts";

/** How long one statement of a check may take. */
const limit = "5s";

/**
 * Asks checks, each in a read-only transaction of its own: one that fails hides no other. What
 * could not be asked is a finding that says so.
 * @returns the findings, blocking ones first
 * @throws Error where the connection is lost
 */
export async function askChecks(
  checks: readonly Check[],
  session: Session,
  place: Omit<CheckContext, "queries" | "pooled">,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    for (const found of await ask(check, session, place)) {
      const { severity, what, why = check.why, fix } = found;
      findings.push({ id: check.id, title: check.title, severity, ...what, why, fix: fix });
    }
  }
  const blocking = findings.filter(({ severity }) => severity === "blocking");
  return [...blocking, ...findings.filter(({ severity }) => severity !== "blocking")];
}

async function ask(
  check: Check,
  session: Session,
  place: Omit<CheckContext, "queries" | "pooled">,
): Promise<readonly Found[]> {
  try {
    return await session.transaction(async (queries) => {
      await queries.execute(sql`SELECT set_config('statement_timeout', ${limit}, TRUE)`);
      await queries.execute(sql`SELECT set_config('lock_timeout', ${limit}, TRUE)`);
      await queries.execute(sql`SET LOCAL search_path = pg_catalog`);
      return await check.find({ ...place, queries, pooled: session.pooled });
    }, "read only snapshot");
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    return [error instanceof AppError ? refusal(error) : notAsked(check, error)];
  }
}

/** What another part of the program would refuse with, it refuses with now. */
function refusal({ object, fault, next, details }: AppError): Found {
  const fact = [fault, ...details].join("; ");
  return { severity: "blocking", what: { object, fact }, fix: next };
}

function notAsked(check: Check, error: unknown): Found {
  const said = error instanceof Error ? error.message : String(error);
  return {
    // Nobody knows whether it is in the way: what must be known before writing is.
    severity: check.stops.length > 0 ? "blocking" : "advisory",
    what: { object: check.title, fact: `could not be asked: ${said}` },
    fix: fixFor(sqlState(error)),
  };
}

function fixFor(state: string | undefined): string {
  switch (state) {
    // insufficient_privilege
    case "42501":
      return "connect as a role that may ask it";
    // query_canceled, lock_not_available
    case "57014":
    case "55P03":
      return `tenantry check again when the server is less busy: no answer came within ${limit}`;
    default:
      return "fix what the message says, then tenantry check again";
  }
}
