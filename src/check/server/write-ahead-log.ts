import { z } from "zod";
import { formatBytes } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";
import { expectGrowth } from "./growth.ts";

export const writeAheadLog: PreflightCheck = {
  id: "write-ahead-log",
  title: "max_wal_size against the write-ahead log (WAL) of the backfill",
  why: "each time WAL reaches max_wal_size, PostgreSQL starts a checkpoint, and after it writes full-page images again",
  stops: [],
  async find(context) {
    const [row] = await context.queries.rows(
      sql`SELECT pg_size_bytes(current_setting('max_wal_size')) AS size`,
      z.object({ size: z.coerce.number() }),
    );
    const { walBytes } = await expectGrowth(context);
    const size = row?.size ?? 0;
    if (walBytes <= size) return [];
    // The default is 1 GB, and people write whole gigabytes.
    const wanted = Math.ceil(walBytes / 1024 ** 3);
    return [
      {
        severity: "advisory",
        what: {
          object: "max_wal_size",
          fact: `is ${formatBytes(size)}; the backfill may write ${formatBytes(walBytes)} of WAL`,
        },
        fix: `ALTER SYSTEM SET max_wal_size = '${wanted}GB'; SELECT pg_reload_conf()`,
      },
    ];
  },
};
