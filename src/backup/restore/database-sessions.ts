import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";

/**
 * Whether the connected role may end a session `a`; otherwise `pg_terminate_backend` raises an error.
 * A role that may not read all statistics sees no backend_type.
 */
const mayEnd: Sql = sql`
  (
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    OR EXISTS (
         SELECT
           FROM pg_roles r
          WHERE r.oid = a.usesysid
            AND NOT r.rolsuper
            AND (
                  pg_has_role(current_user, r.oid, 'USAGE')
                  OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
                )
       )
  )
`;

/** Ends the sessions of a database that the connected role may end. */
export async function endSessions(queries: Queries, databaseOid: string): Promise<void> {
  // RENAME DATABASE ends autovacuum workers itself.
  await queries.execute(sql`
    SELECT pg_terminate_backend(a.pid)
      FROM pg_stat_activity a
     WHERE a.datid = ${databaseOid}::oid
       AND a.backend_type IS DISTINCT FROM 'parallel worker'
       AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
       AND ${mayEnd}
  `);
}

/** The roles whose sessions of a database the connected role may not end, with how many they have. */
export async function readSessionsOfOthers(queries: Queries, database: string): Promise<string[]> {
  const roles = await queries.rows(
    sql`
      SELECT format('%s (%s)', a.usename, count(*)) AS sessions
        FROM pg_stat_activity a
       WHERE a.datname = ${database}
         AND a.usesysid IS NOT NULL
         AND NOT ${mayEnd}
       GROUP BY a.usename
       ORDER BY a.usename
    `,
    z.object({ sessions: z.string() }),
  );
  return roles.map(({ sessions }) => sessions);
}
