import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, holdersOf, narrowed, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const referencesGranted: Rule = {
  id: "references-granted",
  severity: "low",
  title: "Requests may reference a tenant table",
  why: "A foreign key of one's own asks whether a value exists, past row-level security.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I has the privilege REFERENCES', api.role) AS fact,
           format('REVOKE REFERENCES ON %I.%I FROM %s;', t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`'REFERENCES'`)}) AS fix
      FROM ${withPartitions(narrowed(context))} AS t
     CROSS JOIN ${apiRoles(context)}
     WHERE has_table_privilege(api.role, t.oid, 'REFERENCES')
  `,
  mutants: [
    {
      name: "REFERENCES granted",
      leak: "references",
      kind: "damage",
      damage: ({ table, role }) => [sql`GRANT REFERENCES ON ${ident(table)} TO ${ident(role)}`],
    },
  ],
};
