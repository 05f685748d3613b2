import { ident, sql } from "../../../postgres/sql.ts";
import { relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const nullableOrganization: Rule = {
  id: "nullable-organization",
  severity: "high",
  title: "A tenant table takes rows of no organization",
  why: "No member sees such a row, or every member does where a policy allows it; and afterwards it is not known which tenant it belonged to.",
  source: "https://www.postgresql.org/docs/current/ddl-constraints.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%I is %s', ${context.tenancy.column}::text, CASE WHEN a.attnum IS NULL THEN 'missing' ELSE 'nullable' END) AS fact,
           CASE WHEN a.attnum IS NULL
                THEN format('-- take %I.%I through its stage: tenantry run', t.schema, t.name)
                ELSE format('ALTER TABLE %I.%I ALTER COLUMN %I SET NOT NULL;', t.schema, t.name, ${context.tenancy.column}::text)
           END AS fix
      FROM ${relationsNamed(context.tenantTables)} AS t
      LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = ${context.tenancy.column} AND NOT a.attisdropped
     WHERE a.attnotnull IS NOT TRUE
  `,
  mutants: [
    {
      name: "an organization that may be NULL",
      leak: "null-organization",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`ALTER TABLE ${ident(table)} ALTER COLUMN ${ident(tenancy.column)} DROP NOT NULL`,
      ],
    },
  ],
};
