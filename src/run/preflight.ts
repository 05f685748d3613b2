import { z } from "zod";
import type { Snapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import { openSession, type Session, type Target } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";

type Finding = { readonly fault: string; readonly fix: string };

/** TID range scans, which the backfill goes by, came with PostgreSQL 14; so did BEGIN ATOMIC. */
const oldestMajor = 14;

/**
 * Looks at all that would stop a stage midway, before anything is touched.
 * @throws AppError PREFLIGHT_FAILED with every finding
 */
export async function preflight(
  target: Target,
  session: Session,
  snapshot: Snapshot,
  settings: Settings,
): Promise<void> {
  const findings = [
    ...serverFindings(snapshot, settings),
    ...(await poolerFindings(target, session)),
  ];
  if (findings.length === 0) return;
  throw new AppError({
    code: "PREFLIGHT_FAILED",
    object: snapshot.server.database,
    fault: `${findings.length} ${findings.length === 1 ? "thing stands" : "things stand"} in the way`,
    state: "nothing was changed",
    next: "mend what is listed and run the same command again",
    details: findings.map(({ fault, fix }) => `${fault} → ${fix}`),
  });
}

function serverFindings({ server }: Snapshot, settings: Settings): Finding[] {
  const findings: Finding[] = [];
  const add = (found: boolean, fault: string, fix: string) => {
    if (found) findings.push({ fault, fix });
  };
  add(
    server.version < oldestMajor * 10_000,
    `the server is PostgreSQL ${server.versionText}`,
    `PostgreSQL ${oldestMajor} or later is needed`,
  );
  add(server.inRecovery, "the server is a standby", "connect to the primary");
  add(
    server.readOnly,
    "transactions are read-only by default",
    `ALTER ROLE … RESET default_transaction_read_only for ${server.user}`,
  );
  add(
    !server.mayCreateSchema,
    `${server.user} may not create schemas`,
    `GRANT CREATE ON DATABASE to ${server.user}`,
  );
  add(
    settings.forceRowSecurity && !server.bypassesRowSecurity,
    `with forceRowSecurity, ${server.user} would see no row of its own tables after Day 1`,
    `connect as a role with BYPASSRLS`,
  );
  return findings;
}

/** A pooler in transaction mode gives each transaction another server session. */
async function poolerFindings(target: Target, session: Session): Promise<Finding[]> {
  if (!session.pooled) return [];
  const other = await openSession(target);
  try {
    const pid = sql`SELECT pg_backend_pid() AS pid`;
    const row = z.object({ pid: z.number() });
    const [before] = await other.rows(pid, row);
    const after = await session.transaction(async (queries) => {
      await queries.rows(pid, row);
      return other.rows(pid, row);
    });
    if (before?.pid === after[0]?.pid && before?.pid === other.backend) return [];
    return [
      {
        fault: "the connection goes through a pooler in transaction mode",
        fix: "connect to the server itself (on Supabase: port 5432 instead of 6543)",
      },
    ];
  } finally {
    await other.close();
  }
}
