import { z } from "zod";
import { isNoSystemSchema } from "../../catalog/system-schemas.ts";
import { formatCount } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";

export const locks: PreflightCheck = {
  id: "locks",
  title: "enough entries in the lock table for pg_dump, which locks every table",
  why: "if the lock table is full, pg_dump fails, and so does every other session that needs a lock",
  stops: [],
  async find({ queries }) {
    const [row] = await queries.rows(
      sql`
        SELECT current_setting('max_locks_per_transaction')::bigint
                 * (current_setting('max_connections')::bigint
                    + current_setting('max_prepared_transactions')::bigint) AS room,
               (SELECT count(*)
                  FROM pg_class c
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p')
                   AND ${isNoSystemSchema(sql`n.nspname`)}) AS tables
      `,
      z.object({ room: z.coerce.number(), tables: z.coerce.number() }),
    );
    // The application needs the other half.
    if (row === undefined || row.tables <= row.room / 2) return [];
    return [
      {
        severity: row.tables > row.room ? "blocking" : "advisory",
        what: {
          object: "max_locks_per_transaction",
          fact: `the server has room for ${formatCount(row.room)} locks, and the database has ${formatCount(row.tables)} tables`,
        },
        fix: "raise max_locks_per_transaction and restart the server",
      },
    ];
  },
};
