import os from "node:os";
import { z } from "zod";
import type { Session } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";

/** Settings that decide how long a statement takes, and that a scratch server can have too. */
const settingNames = [
  "autovacuum",
  "checkpoint_completion_target",
  "checkpoint_timeout",
  "default_statistics_target",
  "effective_cache_size",
  "fsync",
  "full_page_writes",
  "jit",
  "maintenance_work_mem",
  "max_parallel_maintenance_workers",
  "max_parallel_workers",
  "max_parallel_workers_per_gather",
  "max_wal_size",
  "min_wal_size",
  "random_page_cost",
  "synchronous_commit",
  "wal_compression",
  "work_mem",
] as const;

/** Reads the settings of a server that a rehearsal on a copy must use too. */
export async function readServerSettings(session: Session): Promise<Record<string, string>> {
  const rows = await session.rows(
    sql`
      SELECT name,
             current_setting(name) AS value
        FROM pg_settings
       WHERE name = ANY (${settingNames}::text[])
    `,
    z.object({ name: z.string(), value: z.string() }),
  );
  const buffers = await session.rows(
    sql`
      SELECT setting::bigint * 8192 AS bytes
        FROM pg_settings
       WHERE name = 'shared_buffers'
    `,
    z.object({ bytes: z.coerce.number() }),
  );
  const bytes = Math.min(buffers[0]?.bytes ?? 0, os.totalmem() / 4);
  return {
    ...Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    shared_buffers: `${Math.max(1, Math.floor(bytes / 1024 / 1024))}MB`,
  };
}
