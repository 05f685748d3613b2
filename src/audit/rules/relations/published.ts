import { ident, sql } from "../../../postgres/sql.ts";
import { fenced, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const published: Rule = {
  id: "published",
  severity: "medium",
  title: "Changes of a tenant table are published",
  why: "Logical replication and Realtime send written rows without applying policies; of a DELETE, every subscriber gets the keys.",
  source: "https://supabase.com/docs/guides/realtime/postgres-changes",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('is in the publication %I', p.pubname) AS fact,
           format('ALTER PUBLICATION %I DROP TABLE %I.%I;', p.pubname, t.schema, t.name) AS fix
      FROM ${relationsNamed(fenced(context))} AS t
      JOIN pg_publication_tables p ON p.schemaname = t.schema AND p.tablename = t.name
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
