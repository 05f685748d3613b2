import { z } from "zod";
import { formatDuration } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import { type Found, type PreflightCheck, quoted } from "../check.ts";

const sessionSchema = z.object({
  pid: z.number(),
  user: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  milliseconds: z.coerce.number().nullable(),
  hidden: z.boolean(),
});

/** @param minutes transactions that are older are reported */
export function longTransactions(minutes = 5): PreflightCheck {
  return {
    id: "long-transactions",
    title: `transactions older than ${minutes} minutes`,
    why: "CREATE INDEX CONCURRENTLY waits for every older transaction of the database, and a lock that it holds blocks a step",
    stops: [],
    async find({ queries, snapshot: { server } }) {
      const sessions = await queries.rows(
        sql`
          SELECT a.pid,
                 a.usename::text AS "user",
                 a.application_name AS application,
                 a.state,
                 extract(epoch FROM clock_timestamp() - a.xact_start) * 1000 AS milliseconds,
                 a.query = '<insufficient privilege>' AS hidden
            FROM pg_stat_activity a
           WHERE a.datname = current_database()
             -- Of other roles' sessions all but the user is hidden, also the backend type.
             AND coalesce(a.backend_type = 'client backend', a.usename IS NOT NULL)
             AND a.pid <> pg_backend_pid()
             AND (a.query = '<insufficient privilege>'
                  OR a.xact_start < clock_timestamp() - make_interval(mins => ${minutes}::integer))
           ORDER BY a.xact_start
        `,
        sessionSchema,
      );
      const hidden = sessions.filter((session) => session.hidden).length;
      return [
        ...sessions
          .filter((session) => !session.hidden)
          .map(
            ({ pid, user, application, state, milliseconds }): Found => ({
              severity: "advisory",
              what: {
                object: `session ${pid} of ${user}${application ? ` (${application})` : ""}`,
                fact: `${state}, in a transaction for ${formatDuration(milliseconds ?? 0)}`,
              },
              fix: `wait until it ends, or SELECT pg_terminate_backend(${pid})`,
            }),
          ),
        ...(hidden === 0
          ? []
          : [
              {
                severity: "advisory" as const,
                what: {
                  object: `${hidden} ${hidden === 1 ? "session" : "sessions"} of other roles`,
                  fact: `${server.user} is not allowed to see the age of their transactions`,
                },
                fix: `GRANT pg_read_all_stats TO ${quoted(server.user)}`,
              },
            ]),
      ];
    },
  };
}
