import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Session } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { readSessionsOfOthers } from "./database-sessions.ts";

/**
 * Checks that the connected role may replace this database by another. The restore itself can take
 * hours, and the server would refuse only at its end.
 * @throws AppError RESTORE_REFUSED
 */
export async function verifyReplaceable(session: Session, database: string): Promise<void> {
  const [row] = await session.rows(
    sql`
      SELECT r.rolname::text AS role,
             r.rolsuper OR r.rolcreatedb AND pg_has_role(r.oid, d.datdba, 'MEMBER') AS may
        FROM pg_roles r
       CROSS JOIN pg_database d
       WHERE r.rolname = current_user
         AND d.datname = ${database}
    `,
    z.object({ role: z.string(), may: z.boolean() }),
  );
  if (row?.may !== true) {
    throw restoreRefused(
      database,
      `cannot be renamed by ${row?.role ?? "this role"}: that requires a superuser, or its owner with CREATEDB`,
      "connect as such a role, or restore into a new database with --into and connect the application to it",
    );
  }
  const others = await readSessionsOfOthers(session, database);
  if (others.length === 0) return;
  throw restoreRefused(
    database,
    `cannot be renamed while sessions are connected, and ${row.role} may not end the sessions of ${others.join(", ")}`,
    "end these sessions; or connect as a member of pg_signal_backend (as a superuser for sessions of a superuser); or restore into a new database with --into",
  );
}

/** The error of a restore that is not started. */
export function restoreRefused(object: string, fault: string, next: string): AppError {
  return new AppError({
    code: "RESTORE_REFUSED",
    object,
    fault,
    state: "nothing was changed",
    next,
  });
}
