import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, holdersOf, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const membershipsWritable: Rule = {
  id: "memberships-writable",
  severity: "critical",
  title: "Requests may write memberships",
  why: "A user who may insert or update memberships can become a member, or the owner, of any organization.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I may %s it', api.role, lower(verb.name)) AS fact,
           format('REVOKE %s ON %I.%I FROM %s;', verb.name, t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`verb.name`)}) AS fix
      FROM ${relationsNamed([context.tenancy.memberships])} AS t
     CROSS JOIN ${apiRoles(context)}
     CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS verb (name)
     WHERE has_table_privilege(api.role, t.oid, verb.name)
        OR (verb.name <> 'DELETE' AND has_any_column_privilege(api.role, t.oid, verb.name))
  `,
  mutants: [
    {
      name: "memberships that users may add",
      leak: "membership-self-write",
      kind: "damage",
      damage: ({ tenancy, role }) => [
        sql`GRANT INSERT ON ${ident(tenancy.memberships)} TO ${ident(role)}`,
        sql`CREATE POLICY joining ON ${ident(tenancy.memberships)} FOR INSERT WITH CHECK (TRUE)`,
      ],
    },
    {
      name: "a role in the organization that users may change",
      leak: "membership-self-write",
      kind: "damage",
      damage: ({ tenancy, role }) => [
        sql`GRANT UPDATE (role) ON ${ident(tenancy.memberships)} TO ${ident(role)}`,
      ],
    },
  ],
};
