import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type Check, namesAhead } from "../check.ts";

export const primaryKeys: Check = {
  id: "primary-keys",
  title: "tables without a primary key",
  why: "a row of it can be told from no other: a restore counts such rows and cannot say which were lost, and logical replication refuses their UPDATE",
  stops: [],
  async find(context) {
    const without = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           -- A partition has its parent's, or both have none.
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
      fix: `ALTER TABLE ${name} ADD PRIMARY KEY (…), by the columns that tell its rows apart`,
    }));
  },
};
