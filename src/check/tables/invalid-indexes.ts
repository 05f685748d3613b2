import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck } from "../check.ts";

export const invalidIndexes: PreflightCheck = {
  id: "invalid-indexes",
  title: "invalid indexes",
  why: "a failed build left it: no query uses it, and the backfill must still update it for every row",
  stops: [],
  async find(context) {
    const invalid = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, i.relname) AS name,
               c.relname::text AS table
          FROM pg_index x
          JOIN pg_class c ON c.oid = x.indrelid
          JOIN pg_class i ON i.oid = x.indexrelid
          JOIN pg_namespace n ON n.oid = i.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           AND NOT x.indisvalid
         ORDER BY i.relname
      `,
      z.object({ name: z.string(), table: z.string() }),
    );
    return invalid.map(({ name, table }) => ({
      severity: "advisory",
      what: { object: name, fact: `an invalid index of ${table}` },
      fix: `DROP INDEX CONCURRENTLY ${name}, or REINDEX INDEX CONCURRENTLY ${name}`,
    }));
  },
};
