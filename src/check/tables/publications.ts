import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck } from "../check.ts";

export const publications: PreflightCheck = {
  id: "publications",
  title: "publications that would replicate the backfill",
  why: "every row is sent again, and a subscriber stops if it does not have the new column",
  stops: [],
  async find(context) {
    const published = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) AS publications,
               c.relreplident = 'n'
                 OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i
                                                          WHERE i.indrelid = c.oid
                                                            AND i.indisprimary) AS anonymous
          FROM pg_publication_tables t
          JOIN pg_publication p ON p.pubname = t.pubname
          JOIN pg_namespace n ON n.nspname = t.schemaname
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
         WHERE p.pubupdate
           AND c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
         GROUP BY c.oid, n.nspname, c.relname
         ORDER BY n.nspname, c.relname
      `,
      z.object({ name: z.string(), publications: z.string(), anonymous: z.boolean() }),
    );
    return published.map(({ name, publications: by, anonymous }) =>
      anonymous
        ? {
            severity: "blocking",
            what: { object: name, fact: `is published by ${by} without a replica identity` },
            why: "PostgreSQL refuses every UPDATE of such a table, so the backfill would fail",
            fix: `ALTER TABLE ${name} REPLICA IDENTITY FULL, or give it a primary key`,
          }
        : {
            severity: "advisory",
            what: { object: name, fact: `is published by ${by}` },
            fix: `add the organization column to ${name} on each subscriber first, or remove the table from the publication for the time of the stage`,
          },
    );
  },
};
