import { ident, sql } from "../../../postgres/sql.ts";
import { reachable, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const rowSecurityOff: Rule = {
  id: "row-security-off",
  severity: "critical",
  title: "A table that requests can reach has no row-level security",
  why: "Without row-level security only grants apply: every tenant reads and writes every row, also in a partition or a child that is read by its own name.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I.%I', r.schema, r.name) AS object,
           'row-level security is off, and requests can reach it' AS fact,
           CASE WHEN EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid)
                THEN format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY;', r.schema, r.name)
                ELSE format('-- %I.%I has no policy, and row-level security alone would hide all of its rows: name it in day2.tables, sharedTables or profiles of the configuration, then: tenantry fence %I.%I', r.schema, r.name, r.schema, r.name)
           END AS fix
      FROM ${reachable(context)} AS r
      JOIN pg_class c ON c.oid = r.oid
     WHERE r.kind IN ('r', 'p')
       AND NOT c.relrowsecurity
       AND r.oid NOT IN (SELECT oid FROM ${relationsNamed(context.exemptTables)} AS exempt)
  `,
  mutants: [
    {
      name: "row-level security switched off",
      leak: "row-security-off",
      kind: "damage",
      damage: ({ table }) => [sql`ALTER TABLE ${ident(table)} DISABLE ROW LEVEL SECURITY`],
    },
    {
      name: "a copy of a tenant table",
      leak: "row-security-off",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE TABLE public.copied AS SELECT * FROM ${ident(table)}`,
        sql`GRANT SELECT ON public.copied TO ${ident(role)}`,
      ],
    },
    {
      name: "a child that inherits from a tenant table",
      leak: "partition-or-child",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE TABLE public.inheriting () INHERITS (${ident(table)})`,
        sql`GRANT SELECT ON public.inheriting TO ${ident(role)}`,
      ],
    },
    {
      name: "a partitioned table without row-level security",
      leak: "partition-or-child",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE TABLE public.parts (day date) PARTITION BY RANGE (day)`,
        sql`GRANT SELECT ON public.parts TO ${ident(role)}`,
      ],
    },
    {
      name: "the memberships without row-level security",
      leak: "row-security-off",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`ALTER TABLE ${ident(tenancy.memberships)} DISABLE ROW LEVEL SECURITY`,
      ],
    },
  ],
};
