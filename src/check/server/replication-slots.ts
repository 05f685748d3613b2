import { z } from "zod";
import { literal, sql } from "../../postgres/sql.ts";
import { formatBytes } from "../../units.ts";
import type { Check, Found } from "../check.ts";

/** From here on a slot that is read is said to lag, in bytes. */
const lag = 1024 ** 3;

export const replicationSlots: Check = {
  id: "replication-slots",
  title: "replication slots that keep write-ahead log",
  why: "the backfill writes much of it, and all of it stays on the server's disk until the slot is read",
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
      .filter(({ active, retained }) => !active || retained > lag)
      .map(
        ({ name, active, retained }): Found => ({
          severity: "advisory",
          what: {
            object: name,
            fact: `the slot ${active ? "lags" : "is read by nobody"} and keeps ${formatBytes(retained)}`,
          },
          fix: active
            ? "see why its reader lags, and let it catch up"
            : `start its reader, or SELECT pg_drop_replication_slot(${literal(name).parts.join("")})`,
        }),
      );
  },
};
