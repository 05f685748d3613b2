import { z } from "zod";
import { formatBytes, formatDuration } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import { type Found, type PreflightCheck, quoted } from "../check.ts";

export const replicaLag: PreflightCheck = {
  id: "replica-lag",
  title: "replicas that lag behind",
  why: "the backfill pauses while a replica lags more than online.replicaLagLimitInMilliseconds",
  stops: [],
  async find({ queries, settings, snapshot: { server } }) {
    const replicas = await queries.rows(
      sql`
        SELECT coalesce(NULLIF(application_name, ''), pid::text) AS name,
               extract(epoch FROM replay_lag) * 1000 AS milliseconds,
               coalesce(pg_wal_lsn_diff(sent_lsn, replay_lsn), 0) AS bytes,
               state IS NULL AS hidden
          FROM pg_stat_replication
         ORDER BY application_name, pid
      `,
      z.object({
        name: z.string(),
        milliseconds: z.coerce.number().nullable(),
        bytes: z.coerce.number(),
        hidden: z.boolean(),
      }),
    );
    const limit = settings.online.replicaLagLimitInMilliseconds;
    return replicas
      .filter(({ milliseconds, hidden }) => hidden || (milliseconds ?? 0) > limit)
      .map(
        ({ name, milliseconds, bytes, hidden }): Found => ({
          severity: "advisory",
          what: {
            object: `replica ${name}`,
            fact: hidden
              ? `${server.user} is not allowed to see its lag`
              : `lags ${formatDuration(milliseconds ?? 0)} (${formatBytes(bytes)}); the limit is ${formatDuration(limit)}`,
          },
          fix: hidden
            ? `GRANT pg_read_all_stats TO ${quoted(server.user)}`
            : "find what delays its replay (a long query, recovery_min_apply_delay), or raise online.replicaLagLimitInMilliseconds",
        }),
      );
  },
};
