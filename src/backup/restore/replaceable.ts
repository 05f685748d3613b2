import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Session } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { readLastingSessions } from "./database-sessions.ts";

/**
 * Whether the connected role may put another database in the place of this one. It is asked before
 * hours of work, at the end of which the server would refuse.
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
      "is put in its place by renaming it, which takes its owner, with CREATEDB, or a superuser",
      "connect as such a role; or restore with --into, and point the application there",
    );
  }
  const lasting = await readLastingSessions(session, database);
  if (lasting.length === 0) return;
  throw restoreRefused(
    database,
    `is renamed when nobody is connected, and ${row.role} may not end the sessions of ${lasting.join(", ")}`,
    "end these; or connect as a member of pg_signal_backend, or as a superuser for a superuser's; or restore with --into",
  );
}

/** The error of a restore that is not begun. */
export function restoreRefused(object: string, fault: string, next: string): AppError {
  return new AppError({
    code: "RESTORE_REFUSED",
    object,
    fault,
    state: "nothing was changed",
    next,
  });
}
