import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck } from "../check.ts";

export const primaryKeys: PreflightCheck = {
  id: "primary-keys",
  title: "tables without a primary key",
  why: "its rows cannot be identified: a restore can count them but not name the lost ones, and logical replication refuses UPDATE",
  stops: [],
  async find(context) {
    const without = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           -- A partition has its parent's primary key, or neither has one.
           AND NOT c.relispartition
           AND NOT EXISTS (SELECT FROM pg_index i
                            WHERE i.indrelid = c.oid
                              AND i.indisprimary)
         ORDER BY n.nspname, c.relname
      `,
      z.object({ name: z.string() }),
    );
    return without.map(({ name }) => ({
      severity: "advisory",
      what: { object: name, fact: "has no primary key" },
      fix: `ALTER TABLE ${name} ADD PRIMARY KEY (…) with the columns that identify a row`,
    }));
  },
};
