import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";

export const archiving: PreflightCheck = {
  id: "archiving",
  title: "write-ahead log (WAL) that cannot be archived",
  why: "the server keeps WAL files until they are archived, and the backfill writes a lot of WAL",
  stops: [],
  async find({ queries }) {
    const [failing] = await queries.rows(
      sql`
        SELECT last_failed_wal AS file,
               to_char(last_failed_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
               failed_count AS times
          FROM pg_stat_archiver
         WHERE current_setting('archive_mode') <> 'off'
           AND last_failed_time > coalesce(last_archived_time, '-infinity')
      `,
      z.object({ file: z.string(), at: z.string(), times: z.coerce.number() }),
    );
    if (failing === undefined) return [];
    return [
      {
        severity: "advisory",
        what: {
          object: "archive_command",
          fact: `failed for ${failing.file} at ${failing.at}, ${failing.times} times in total`,
        },
        fix: "read its error in the server's log, and fix the command or its destination",
      },
    ];
  },
};
