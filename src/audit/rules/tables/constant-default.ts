import { ident, literal, sql, textOf } from "../../../postgres/sql.ts";
import { relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const constantDefault: Rule = {
  id: "constant-default",
  severity: "high",
  title: "A tenant table gives rows to one organization by default",
  why: "With a second tenant, rows that are written without an organization, by the service role for example, belong to the first.",
  source: "https://www.postgresql.org/docs/current/ddl-default.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('DEFAULT %s', pg_get_expr(d.adbin, d.adrelid)) AS fact,
           -- Without a trigger of the plan, rows that name no organization would be refused.
           CASE
             WHEN EXISTS (SELECT
                            FROM pg_trigger g
                            JOIN pg_proc p ON p.oid = g.tgfoid
                           WHERE g.tgrelid = t.oid
                             AND p.pronamespace = to_regnamespace(quote_ident(${literal(context.tenancy.helpers.schema)})))
               THEN format('ALTER TABLE %I.%I ALTER COLUMN %I DROP DEFAULT;', t.schema, t.name, a.attname)
             ELSE format('ALTER TABLE %I.%I ALTER COLUMN %I SET DEFAULT %s();', t.schema, t.name, a.attname, ${textOf(ident(context.tenancy.helpers.writingOrganization))}::text)
           END AS fix
      FROM ${relationsNamed(context.tenantTables)} AS t
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = ${context.tenancy.column}
      JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
     WHERE pg_get_expr(d.adbin, d.adrelid) ~ '^''[0-9a-f-]{36}''::uuid$'
  `,
  mutants: [
    {
      name: "one organization for writers that name none",
      leak: "constant-default",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`ALTER TABLE ${ident(table)} ALTER COLUMN ${ident(tenancy.column)} SET DEFAULT ${literal(tenancy.defaultOrganizationId)}::uuid`,
      ],
    },
  ],
};
