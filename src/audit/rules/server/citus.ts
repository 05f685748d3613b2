import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const citus: Rule = {
  id: "citus",
  severity: "critical",
  title: "The extension citus is installed, which loses restrictive policies",
  why: "Citus creates a restrictive policy as a permissive one on its shards: a distributed table has no guard there, and any other permissive policy opens it. Seen on Citus 13.2.2.",
  source: "https://github.com/citusdata/citus/blob/main/src/backend/distributed/commands/policy.c",
  findings: () => sql`
    SELECT 'the extension citus' AS object,
           format('%s is installed in this database', e.extversion) AS fact,
           '-- no SQL fixes a distributed table: SELECT * FROM citus_tables; if it lists none and none is planned: DROP EXTENSION citus' AS fix
      FROM pg_extension e
     WHERE e.extname = 'citus'
  `,
  mutants: [
    {
      kind: "damage",
      name: "the extension citus, as the catalog shows it",
      leak: "permissive-shards",
      // Few servers have the extension's files; the rule reads the catalog only.
      damage: () => [
        sql`
          INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
          SELECT 4294967294::oid,
                 'citus',
                 r.oid,
                 n.oid,
                 FALSE,
                 '13.2-1'
            FROM pg_roles r
            JOIN pg_namespace n ON n.nspname = 'pg_catalog'
           WHERE r.rolname = current_user
        `,
      ],
    },
  ],
};
