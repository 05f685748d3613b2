import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const organizationsWritable: Rule = {
  id: "organizations-writable",
  severity: "medium",
  title: "Requests may write more of an organization than its name and settings",
  why: "Status, tier and identity are what the company decides by: a customer who writes them pays what they like, or is another customer.",
  source: "https://www.postgresql.org/docs/current/sql-grant.html",
  findings: (context) => sql`
    SELECT format('%I.%I.%I', t.schema, t.name, a.attname) AS object,
           format('%I may write it', api.role) AS fact,
           format('REVOKE UPDATE, INSERT ON %I.%I FROM %I;', t.schema, t.name, api.role) AS fix
      FROM ${relationsNamed([context.tenancy.organizations])} AS t
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
     CROSS JOIN ${apiRoles(context)}
     WHERE a.attname NOT IN ('name', 'settings', 'updated_at')
       AND (has_column_privilege(api.role, t.oid, a.attnum, 'UPDATE')
            OR has_column_privilege(api.role, t.oid, a.attnum, 'INSERT'))
  `,
  mutants: [
    {
      name: "a tier that customers may write",
      leak: "shared-table",
      kind: "damage",
      damage: ({ tenancy, role }) => [
        sql`GRANT UPDATE (subscription_tier) ON ${ident(tenancy.organizations)} TO ${ident(role)}`,
      ],
    },
  ],
};
