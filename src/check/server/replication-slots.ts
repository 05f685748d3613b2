import { z } from "zod";
import { formatBytes } from "../../number-formats.ts";
import { literal, sql, textOf } from "../../postgres/sql.ts";
import type { Found, PreflightCheck } from "../check.ts";

/** An active slot that retains more bytes than this is reported. */
const lagLimitInBytes = 1024 ** 3;

export const replicationSlots: PreflightCheck = {
  id: "replication-slots",
  title: "replication slots that retain write-ahead log (WAL)",
  why: "the backfill writes a lot of WAL, and the server keeps it until the slot's consumer has read it",
  stops: [],
  async find({ queries }) {
    const slots = await queries.rows(
      sql`
        SELECT slot_name::text AS name,
               active,
               coalesce(pg_wal_lsn_diff(
                 CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                 restart_lsn), 0) AS retained
          FROM pg_replication_slots
         WHERE NOT temporary
           AND restart_lsn IS NOT NULL
         ORDER BY slot_name
      `,
      z.object({ name: z.string(), active: z.boolean(), retained: z.coerce.number() }),
    );
    return slots
      .filter(({ active, retained }) => !active || retained > lagLimitInBytes)
      .map(
        ({ name, active, retained }): Found => ({
          severity: "advisory",
          what: {
            object: name,
            fact: `the slot ${active ? "lags" : "is inactive"} and retains ${formatBytes(retained)} of WAL`,
          },
          fix: active
            ? "find why its consumer lags, and wait until it has caught up"
            : `start its consumer, or SELECT pg_drop_replication_slot(${textOf(literal(name))})`,
        }),
      );
  },
};
