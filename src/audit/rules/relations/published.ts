import { ident, sql } from "../../../postgres/sql.ts";
import { fenced, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const published: Rule = {
  id: "published",
  severity: "medium",
  title: "Changes of a tenant table are published",
  why: "Logical replication and Realtime send written rows without applying policies; of a DELETE, every subscriber gets the keys.",
  source: "https://supabase.com/docs/guides/realtime/postgres-changes",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('is in the publication %I', p.pubname)
           || CASE
                WHEN NOT published.pubdelete THEN ''
                WHEN c.relreplident = 'f' THEN ', with the whole row of a DELETE'
                ELSE coalesce((SELECT format(', with %s of a DELETE', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
                                 FROM pg_index i
                                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                                WHERE i.indrelid = t.oid
                                  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END), '')
              END AS fact,
           CASE
             WHEN published.puballtables THEN format('-- DROP PUBLICATION %I, and create one that names its tables', p.pubname)
             WHEN EXISTS (SELECT FROM pg_publication_rel pr WHERE pr.prpubid = published.oid AND pr.prrelid = t.oid)
               THEN format('ALTER PUBLICATION %I DROP TABLE %I.%I;', p.pubname, t.schema, t.name)
             ELSE format('-- %I publishes a schema or a partitioned table: name its tables instead', p.pubname)
           END AS fix
      FROM ${withPartitions(fenced(context))} AS t
      JOIN pg_class c ON c.oid = t.oid
      JOIN pg_publication_tables p ON p.schemaname = t.schema AND p.tablename = t.name
      JOIN pg_publication published ON published.pubname = p.pubname
  `,
  mutants: [
    {
      name: "a tenant table in a publication",
      leak: "realtime",
      kind: "damage",
      damage: ({ table }) => [sql`CREATE PUBLICATION mutant FOR TABLE ${ident(table)}`],
    },
    {
      name: "a publication of all tables",
      leak: "realtime",
      kind: "damage",
      damage: () => [sql`CREATE PUBLICATION mutant FOR ALL TABLES`],
    },
  ],
};
