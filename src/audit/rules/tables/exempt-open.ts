import { ident, type RelationName, type Some, type Sql, sql } from "../../../postgres/sql.ts";
import { apiRoles, reachable, relationsNamed } from "../../reach.ts";
import type { BrokenFence, Rule } from "../../rule.ts";

export const exemptOpen: Rule = {
  id: "exempt-open",
  severity: "high",
  title: "Requests can reach an exempt table without row-level security",
  why: "An exempt table is not changed by any stage: users of every tenant read, or write, all of its rows. A table of users holds the e-mail addresses of all customers. Medium where it is only read and has no such column.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', open.schema, open.name) AS object,
           concat('is exempt, and requests may ',
                  concat_ws(' and ', CASE WHEN open.read THEN 'read' END, CASE WHEN open.written THEN 'write' END),
                  ' every row of it: ',
                  CASE WHEN open.secured THEN 'a policy lets every row through' ELSE 'row-level security is off' END) AS fact,
           format('-- a table with a row for each user belongs in profiles: tenantry fence %I.%I; another is accepted in audit.accepted, with a reason and a day; or: REVOKE ALL ON %I.%I FROM %s;',
                  open.schema, open.name, open.schema, open.name,
                  (SELECT string_agg(quote_ident(api.role), ', ') FROM ${apiRoles(context)})) AS fix,
           CASE WHEN open.written OR open.personal THEN 'high' ELSE 'medium' END AS severity
      FROM (SELECT r.schema,
                   r.name,
                   c.relrowsecurity AS secured,
                   (SELECT bool_or(has_any_column_privilege(api.role, r.oid, 'SELECT')) FROM ${apiRoles(context)}) AS read,
                   (SELECT bool_or(has_any_column_privilege(api.role, r.oid, 'INSERT, UPDATE')
                                   OR has_table_privilege(api.role, r.oid, 'DELETE, TRUNCATE'))
                      FROM ${apiRoles(context)}) AS written,
                   (r.schema = ${context.tenancy.users.relation.schema} AND r.name = ${context.tenancy.users.relation.name})
                   OR EXISTS (SELECT
                                FROM pg_attribute a
                               WHERE a.attrelid = r.oid
                                 AND a.attname ~* '(e-?mail|phone|passw|secret|token)'
                                 AND NOT a.attisdropped) AS personal
              FROM ${reachable(context)} AS r
              JOIN pg_class c ON c.oid = r.oid
             WHERE r.kind IN ('r', 'p')
               AND r.oid IN (SELECT oid FROM ${relationsNamed(context.exemptTables)} AS exempt)
               AND (NOT c.relrowsecurity
                    OR (EXISTS (SELECT
                                  FROM pg_policy p
                                 CROSS JOIN unnest(p.polroles) AS named (role)
                                 CROSS JOIN ${apiRoles(context)}
                                 WHERE p.polrelid = c.oid
                                   AND p.polpermissive
                                   AND 'true' IN (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
                                   AND (named.role = 0 OR pg_has_role(api.role, named.role, 'USAGE')))
                        AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)))) AS open
  `,
  mutants: [
    {
      name: "an exempt table that requests may read",
      leak: "row-security-off",
      kind: "damage",
      damage: (fence) => openTo(fence, sql`SELECT`),
    },
    {
      name: "an exempt table that requests may change",
      leak: "row-security-off",
      kind: "damage",
      damage: (fence) => openTo(fence, sql`SELECT, UPDATE`),
    },
    {
      name: "an exempt table with a policy that lets every row through",
      leak: "tautology",
      kind: "damage",
      damage: (fence) => [
        sql`CREATE POLICY everybody ON ${ident(exemptOf(fence))} FOR SELECT USING (TRUE)`,
        sql`ALTER TABLE ${ident(exemptOf(fence))} ENABLE ROW LEVEL SECURITY`,
        sql`GRANT SELECT ON ${ident(exemptOf(fence))} TO ${ident(fence.role)}`,
      ],
    },
  ],
};

function openTo(fence: BrokenFence, privileges: Sql): Some<Sql> {
  const on = ident(exemptOf(fence));
  return [
    sql`ALTER TABLE ${on} DISABLE ROW LEVEL SECURITY`,
    sql`GRANT ${privileges} ON ${on} TO ${ident(fence.role)}`,
  ];
}

function exemptOf({ exemptTables: [exempt] }: BrokenFence): RelationName {
  if (exempt === undefined) throw new Error("the broken fence has no exempt table");
  return exempt;
}
