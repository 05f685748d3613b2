import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, holdersOf, narrowed, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const triggerGranted: Rule = {
  id: "trigger-granted",
  severity: "high",
  title: "Requests may make triggers on a tenant table",
  why: "A trigger sees every row that is written, whichever tenant writes it: its function runs as the writer, and may copy the row elsewhere.",
  source: "https://www.postgresql.org/docs/current/ddl-priv.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I has the privilege TRIGGER', api.role) AS fact,
           format('REVOKE TRIGGER ON %I.%I FROM %s;', t.schema, t.name, ${holdersOf(sql`t.oid`, sql`api.role`, sql`'TRIGGER'`)}) AS fix
      FROM ${withPartitions(narrowed(context))} AS t
     CROSS JOIN ${apiRoles(context)}
     WHERE has_table_privilege(api.role, t.oid, 'TRIGGER')
  `,
  mutants: [
    {
      name: "TRIGGER granted",
      leak: "truncate",
      kind: "damage",
      damage: ({ table, role }) => [sql`GRANT TRIGGER ON ${ident(table)} TO ${ident(role)}`],
    },
  ],
};
