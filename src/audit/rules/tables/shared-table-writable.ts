import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, holdersOf, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const sharedTableWritable: Rule = {
  id: "shared-table-writable",
  severity: "high",
  title: "Requests may write a table that all tenants share",
  why: "What one tenant writes there, every other tenant reads: rows leak out, and wrong rows come in.",
  source: "https://www.postgresql.org/docs/current/sql-grant.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I may %s it, and no policy prevents it', api.role, lower(verb.name)) AS fact,
           format('REVOKE %s ON %I.%I FROM %s;', verb.name, t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`verb.name`)}) AS fix
      FROM ${relationsNamed(context.sharedTables)} AS t
      JOIN pg_class c ON c.oid = t.oid
     CROSS JOIN ${apiRoles(context)}
     CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE'], ARRAY['a', 'w', 'd']) AS verb (name, command)
     WHERE (has_table_privilege(api.role, t.oid, verb.name)
            OR (verb.name <> 'DELETE' AND has_any_column_privilege(api.role, t.oid, verb.name)))
       AND (NOT c.relrowsecurity
            OR EXISTS (SELECT
                         FROM pg_policy p
                        WHERE p.polrelid = t.oid
                          AND p.polpermissive
                          AND p.polcmd::text IN ('*', verb.command))
               AND NOT EXISTS (SELECT
                                 FROM pg_policy p
                                WHERE p.polrelid = t.oid
                                  AND NOT p.polpermissive
                                  AND p.polcmd::text IN ('*', verb.command)))
     UNION ALL
    SELECT format('%I.%I', t.schema, t.name),
           format('%I may TRUNCATE it, and no policy applies to TRUNCATE', api.role),
           format('REVOKE TRUNCATE ON %I.%I FROM %s;', t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`'TRUNCATE'`)})
      FROM ${relationsNamed(context.sharedTables)} AS t
     CROSS JOIN ${apiRoles(context)}
     WHERE has_table_privilege(api.role, t.oid, 'TRUNCATE')
  `,
  mutants: [
    {
      name: "a shared table that tenants may write",
      leak: "shared-table",
      kind: "damage",
      damage: ({ sharedTables: [shared], role }) => {
        if (shared === undefined) throw new Error("there is no shared table to break");
        return [
          sql`GRANT INSERT ON ${ident(shared)} TO ${ident(role)}`,
          sql`ALTER TABLE ${ident(shared)} DISABLE ROW LEVEL SECURITY`,
        ];
      },
    },
    {
      name: "a shared table that tenants may TRUNCATE",
      leak: "shared-table",
      kind: "damage",
      damage: ({ sharedTables: [shared], role }) => {
        if (shared === undefined) throw new Error("there is no shared table to break");
        return [sql`GRANT TRUNCATE ON ${ident(shared)} TO ${ident(role)}`];
      },
    },
  ],
};
