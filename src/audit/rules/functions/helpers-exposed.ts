import { ident, literal, raw, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const helpersExposed: Rule = {
  id: "helpers-exposed",
  severity: "medium",
  title: "Requests have USAGE or CREATE on an internal schema",
  why: "With USAGE on the helpers' or the journal's schema, an API that is configured to expose it exposes the functions that bypass row-level security, and the plan itself.",
  source: "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PRIV",
  findings: (context) => sql`
    SELECT n.nspname::text AS object,
           format('%I has %s on it', api.role, privilege.name) AS fact,
           format('REVOKE %s ON SCHEMA %I FROM %I, PUBLIC;', privilege.name, n.nspname, api.role) AS fix
      FROM pg_namespace n
     CROSS JOIN ${apiRoles(context)}
     CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) AS privilege (name)
     WHERE n.nspname IN (${literal(context.tenancy.helpers.schema)}, 'tenantry')
       AND has_schema_privilege(api.role, n.oid, privilege.name)
  `,
  mutants: [
    {
      name: "the helpers' schema open to requests",
      leak: "definer-function",
      kind: "damage",
      damage: ({ tenancy, role }) => [
        sql`GRANT USAGE ON SCHEMA ${raw(tenancy.helpers.schema)} TO ${ident(role)}`,
      ],
    },
    {
      name: "the journal's schema open to requests",
      leak: "definer-function",
      kind: "damage",
      damage: ({ role }) => [sql`GRANT USAGE ON SCHEMA tenantry TO ${ident(role)}`],
    },
  ],
};
