import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { functionBody, type Sql, sql } from "../postgres/sql.ts";

/** The first key of our advisory locks, "tena" in ASCII; the second is the lease's token. */
const lockKey = sql`1952804449`;

/** The server ends a session in milliseconds, unless its process is stopped. */
const endWithinMilliseconds = 10_000;

/**
 * Marks a session by an advisory lock as one that writes under a lease, for as long as it is connected
 * and again after each reconnection. A statement outside transactions cannot hold the lease, so a run
 * that takes the lease over ends the marked sessions before anything else: what was on its way to them is
 * never executed.
 * @param holds asks in a later snapshot whether the lease is still held: a session that is marked after
 *   the others were ended must not write
 * @returns a function that removes the mark: another run must not end a session that does other work then
 */
export async function markSession(
  session: Session,
  token: number,
  holds: (queries: Queries) => Promise<void>,
): Promise<() => Promise<void>> {
  const forget = await session.always(async (queries) => {
    await queries.execute(sql`SELECT pg_advisory_lock_shared(${lockKey}, ${token})`);
    await holds(queries);
  });
  return async () => {
    forget();
    await session.execute(sql`SELECT pg_advisory_unlock_shared(${lockKey}, ${token})`);
  };
}

/**
 * The server processes of sessions that write under earlier leases, `pid` and `builds`: whether it
 * builds an index concurrently. Those of pg_dump have the token in their name.
 */
function olderSessions(token: Sql): Sql {
  return sql`
    SELECT a.pid,
           EXISTS (SELECT
                     FROM pg_stat_progress_create_index p
                    WHERE p.pid = a.pid
                      AND p.command LIKE '%CONCURRENTLY') AS builds
      FROM pg_stat_activity a
     WHERE a.datname = current_database()
       AND a.pid <> pg_backend_pid()
       AND (EXISTS (SELECT
                      FROM pg_locks l
                     WHERE l.pid = a.pid
                       AND l.locktype = 'advisory'
                       AND l.classid = ${lockKey}
                       AND l.objsubid = 2
                       AND l.objid::bigint < ${token})
            OR substring(a.application_name FROM '^tenantry backup, lease ([0-9]{1,9})$')::bigint < ${token})
  `;
}

/** What the sessions of pg_dump are called that dumps under a lease: they cannot be marked. */
export function dumpName(token: number): string {
  return `tenantry backup, lease ${token}`;
}

/**
 * Ends the sessions of earlier holders of the lease, and waits until they have ended.
 * @param builds a concurrent build can be waited for and used instead: its session can do nothing else
 * @returns the server processes that could not be ended: of a role that this one may not signal, or stopped
 */
export async function endOlderSessions(
  queries: Queries,
  token: number,
  builds: "keep builds" | "end builds",
): Promise<readonly number[]> {
  const until = performance.now() + endWithinMilliseconds;
  for (;;) {
    const left = await terminate(queries, token, builds);
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(50);
  }
}

async function terminate(
  queries: Queries,
  token: number,
  builds: "keep builds" | "end builds",
): Promise<number[]> {
  const older = sql`
    SELECT pid
      FROM (${olderSessions(sql`${token}::bigint`)}) AS older
     WHERE NOT builds
        OR ${builds === "end builds"}
  `;
  const rows = await queries.rows(older, z.object({ pid: z.number() }));
  for (const { pid } of rows) {
    try {
      await queries.execute(sql`SELECT pg_terminate_backend(${pid})`);
    } catch (error) {
      const notAllowed = "42501";
      if (sqlState(error) !== notAllowed) throw error;
    }
  }
  return rows.map(({ pid }) => pid);
}

/** The same for a script: ends the sessions of all earlier holders, whatever they do. */
export const endOlderSessionsByScript: Sql = sql`DO ${functionBody(sql`
BEGIN
  PERFORM pg_terminate_backend(pid)
     FROM (${olderSessions(sql`(SELECT token FROM tenantry.lease)`)}) AS older;
END`)}`;
