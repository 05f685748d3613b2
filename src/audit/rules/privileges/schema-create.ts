import { isUserSchema } from "../../../catalog/system-schemas.ts";
import { ident, literal, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const schemaCreate: Rule = {
  id: "schema-create",
  severity: "medium",
  title: "Requests may create objects in a schema",
  why: "A function or an operator that a request creates there can be found first: it then runs with the rights of every caller that uses the unqualified name. Before PostgreSQL 15, PUBLIC had this on public.",
  source: "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS",
  findings: (context) => sql`
    SELECT n.nspname::text AS object,
           format('%I may create objects in it', api.role) AS fact,
           format('REVOKE CREATE ON SCHEMA %I FROM %I, PUBLIC;', n.nspname, api.role) AS fix
      FROM pg_namespace n
     CROSS JOIN ${apiRoles(context)}
     WHERE ${isUserSchema(sql`n.nspname`)}
       AND n.nspname <> ${literal(context.tenancy.helpers.schema)}
       AND has_schema_privilege(api.role, n.oid, 'CREATE')
  `,
  mutants: [
    {
      name: "a schema that requests may create in",
      leak: "definer-function",
      kind: "damage",
      damage: ({ role }) => [sql`GRANT CREATE ON SCHEMA public TO ${ident(role)}`],
    },
  ],
};
