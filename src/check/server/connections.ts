import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type Found, type PreflightCheck, quoted } from "../check.ts";

/** The observer, and the lease. */
const always = 2;
/** The session that works, the snapshot of a backup, and the leader of pg_dump. */
const ofBackup = 3;

const roomSchema = z.object({
  name: z.string(),
  kind: z.enum(["server", "role", "database"]),
  limit: z.coerce.number(),
  used: z.coerce.number(),
});

export const connections: PreflightCheck = {
  id: "connections",
  title:
    "enough sessions under max_connections and the connection limits of the role and the database",
  why: "if a session is refused the stage stops, and the application needs sessions too",
  stops: [],
  async find({ queries, settings, snapshot: { server } }) {
    const { backups, online } = settings;
    const needed = always + Math.max(ofBackup + backups.jobs, online.tablesAtOnce);
    const rooms = await queries.rows(
      sql`
        SELECT 'max_connections' AS name,
               'server' AS kind,
               current_setting('max_connections')::integer
                 - CASE WHEN ${server.superuser}
                     THEN 0
                     ELSE current_setting('superuser_reserved_connections')::integer
                          -- Since 16.
                          + coalesce(current_setting('reserved_connections', TRUE), '0')::integer
                   END AS limit,
               (SELECT count(*)
                  FROM pg_stat_activity a
                 -- Of other roles' sessions, the kind is hidden.
                 WHERE coalesce(a.backend_type = 'client backend', a.usename IS NOT NULL)) AS used
        UNION ALL
        SELECT r.rolname, 'role', r.rolconnlimit,
               (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)
          FROM pg_roles r
         WHERE r.rolname = session_user
           AND r.rolconnlimit >= 0
           -- A limit binds no superuser.
           AND NOT ${server.superuser}
        UNION ALL
        SELECT d.datname, 'database', d.datconnlimit,
               (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid)
          FROM pg_database d
         WHERE d.datname = current_database()
           AND d.datconnlimit >= 0
           AND NOT ${server.superuser}
      `,
      roomSchema,
    );
    return rooms.flatMap(({ name, kind, limit, used }): Found[] => {
      // This session is one of them.
      const left = limit - used + 1;
      if (left >= needed) return [];
      const fact = `${left} of ${limit} sessions are left, and ${needed} are needed`;
      return [{ severity: "blocking", what: { object: name, fact }, fix: fixed(kind, name) }];
    });
  },
};

function fixed(kind: "server" | "role" | "database", name: string): string {
  switch (kind) {
    case "server":
      return "end idle sessions, or raise max_connections, or lower backups.jobs";
    case "role":
      return `ALTER ROLE ${quoted(name)} CONNECTION LIMIT -1`;
    case "database":
      return `ALTER DATABASE ${quoted(name)} CONNECTION LIMIT -1`;
    default:
      return kind satisfies never;
  }
}
