import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { formatBytes } from "../../units.ts";
import type { Check } from "../check.ts";
import { expectGrowth } from "./growth.ts";

export const writeAheadLog: Check = {
  id: "write-ahead-log",
  title: "max_wal_size against what the backfill writes",
  why: "each time it is full a checkpoint is forced, after which every page is logged whole again",
  stops: [],
  async find(context) {
    const [row] = await context.queries.rows(
      sql`SELECT pg_size_bytes(current_setting('max_wal_size')) AS size`,
      z.object({ size: z.coerce.number() }),
    );
    const { walBytes } = await expectGrowth(context);
    const size = row?.size ?? 0;
    if (walBytes <= size) return [];
    // A gigabyte is where PostgreSQL begins, and whole ones are what people write.
    const wanted = Math.ceil(walBytes / 1024 ** 3);
    return [
      {
        severity: "advisory",
        what: {
          object: "max_wal_size",
          fact: `is ${formatBytes(size)}, and ${formatBytes(walBytes)} may be written`,
        },
        fix: `ALTER SYSTEM SET max_wal_size = '${wanted}GB'; SELECT pg_reload_conf()`,
      },
    ];
  },
};
