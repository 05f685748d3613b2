import { ident, sql } from "../../../postgres/sql.ts";
import { relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const uniqueAcross: Rule = {
  id: "unique-across",
  severity: "medium",
  title: "A unique constraint of a tenant table does not include the organization",
  why: "The error for a duplicate key reveals that another tenant has the value, and the tenant cannot have it too.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%s on %I.%I', i.indexrelid::regclass, t.schema, t.name) AS object,
           format('is unique without %I', ${context.tenancy.column}::text) AS fact,
           format('CREATE UNIQUE INDEX CONCURRENTLY ON %I.%I (%I, …); -- then drop this index; or hardening.uniqueConstraints in the configuration', t.schema, t.name, ${context.tenancy.column}::text) AS fix
      FROM ${relationsNamed(context.tenantTables)} AS t
      JOIN pg_index i ON i.indrelid = t.oid
     WHERE i.indisunique
       AND NOT i.indisprimary
       AND NOT EXISTS (SELECT
                         FROM unnest(i.indkey::smallint[]) AS part
                         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part
                        WHERE a.attname = ${context.tenancy.column})
  `,
  mutants: [
    {
      name: "a unique index over all tenants",
      leak: "unique",
      kind: "damage",
      damage: ({ table }) => [sql`CREATE UNIQUE INDEX across_all ON ${ident(table)} (id)`],
    },
  ],
};
