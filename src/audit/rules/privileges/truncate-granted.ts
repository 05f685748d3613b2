import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, holdersOf, narrowed, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const truncateGranted: Rule = {
  id: "truncate-granted",
  severity: "high",
  title: "Requests may TRUNCATE a tenant table",
  why: "Row-level security does not apply to TRUNCATE: one request empties the table for every tenant. Supabase's default privileges grant it.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I may TRUNCATE it', api.role) AS fact,
           format('REVOKE TRUNCATE ON %I.%I FROM %s;', t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`'TRUNCATE'`)}) AS fix
      FROM ${withPartitions(narrowed(context))} AS t
     CROSS JOIN ${apiRoles(context)}
     WHERE has_table_privilege(api.role, t.oid, 'TRUNCATE')
  `,
  mutants: [
    {
      name: "TRUNCATE granted",
      leak: "truncate",
      kind: "damage",
      damage: ({ table, role }) => [sql`GRANT TRUNCATE ON ${ident(table)} TO ${ident(role)}`],
    },
    {
      name: "TRUNCATE granted to everybody",
      leak: "truncate",
      kind: "damage",
      damage: ({ table }) => [sql`GRANT TRUNCATE ON ${ident(table)} TO PUBLIC`],
    },
  ],
};
