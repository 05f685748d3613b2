import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { formatCount } from "../../units.ts";
import type { Check } from "../check.ts";

export const locks: Check = {
  id: "locks",
  title: "room in the lock table for pg_dump, which locks every table",
  why: "pg_dump fails where the server has no more room, and with it whoever else asks for a lock just then",
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
                   AND n.nspname <> 'information_schema'
                   AND n.nspname !~ '^pg_') AS tables
      `,
      z.object({ room: z.coerce.number(), tables: z.coerce.number() }),
    );
    // Half of it belongs to the application meanwhile.
    if (row === undefined || row.tables <= row.room / 2) return [];
    return [
      {
        severity: row.tables > row.room ? "blocking" : "advisory",
        what: {
          object: "max_locks_per_transaction",
          fact: `the server has room for ${formatCount(row.room)} locks, and the database ${formatCount(row.tables)} tables`,
        },
        fix: "raise max_locks_per_transaction and restart the server",
      },
    ];
  },
};
