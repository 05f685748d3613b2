import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";

/**
 * Puts a restored database in the place of the live one, which is kept under another name. The two
 * names change in one transaction: a kill leaves the one state or the other.
 * @param session of neither database
 * @throws AppError RESTORE_FAILED when somebody keeps connecting; nothing is changed then
 */
export async function swapDatabases(
  session: Session,
  { live, restored, keptAs }: { live: string; restored: string; keptAs: string },
): Promise<void> {
  // A name in use cannot be changed, and an application comes back at once.
  await session.execute(sql`ALTER DATABASE ${ident(live)} WITH ALLOW_CONNECTIONS FALSE`);
  try {
    await endSessions(session, [live, restored]);
    await session.transaction(async (queries) => {
      await queries.execute(sql`ALTER DATABASE ${ident(live)} RENAME TO ${ident(keptAs)}`);
      await queries.execute(sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(live)}`);
    });
  } catch (error) {
    await session.execute(sql`ALTER DATABASE ${ident(live)} WITH ALLOW_CONNECTIONS TRUE`);
    // 55006: object in use.
    if (sqlState(error) !== "55006") throw error;
    throw new AppError({
      code: "RESTORE_FAILED",
      object: live,
      fault: "is in use, and its sessions could not be ended",
      state: `the database is as it was; what was restored is in ${restored}`,
      next: "stop the application, and run the same command again",
      cause: error,
    });
  }
  await session.execute(sql`ALTER DATABASE ${ident(keptAs)} WITH ALLOW_CONNECTIONS TRUE`);
}

/** Ends every session of the databases, and waits until they are gone. */
async function endSessions(queries: Queries, databases: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const left = await queries.rows(
      sql`
        SELECT pg_terminate_backend(pid) AS ended,
               pg_sleep(0.1)::text AS slept
          FROM pg_stat_activity
         WHERE datname = ANY (${databases}::text[])
           AND backend_type <> 'parallel worker'
      `,
      z.object({ ended: z.boolean() }),
    );
    if (left.length === 0) return;
  }
}
