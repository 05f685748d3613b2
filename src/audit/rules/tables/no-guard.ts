import { ident, literal, type RelationName, type Sql, sql, textOf } from "../../../postgres/sql.ts";
import { organizationPolicies } from "../../../steps/model/organization-policies.ts";
import { policyNames } from "../../../steps/table/fence.ts";
import { fenced, reachable, relationsNamed, withPartitions } from "../../reach.ts";
import type { AuditContext, Rule } from "../../rule.ts";

export const noGuard: Rule = {
  id: "no-guard",
  severity: "critical",
  title: "A tenant table has no restrictive guard",
  why: "Permissive policies are combined with OR: one that is too wide, old or new, opens the table. Only a restrictive policy for all commands and roles limits all of them, and only if it calls the helper.",
  source: "https://www.postgresql.org/docs/current/sql-createpolicy.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           'no restrictive policy for all commands and roles checks the organization in USING and WITH CHECK'
           || coalesce((SELECT '; nothing limits its policies that do not ask for it: ' || string_agg(quote_ident(open.polname), ', ' ORDER BY open.polname)
                          FROM pg_policy open
                         WHERE open.polrelid = t.oid
                           AND open.polpermissive
                           AND position(${context.tenancy.helpers.schema}::text || '.' IN
                                        replace(concat(pg_get_expr(open.polqual, open.polrelid), pg_get_expr(open.polwithcheck, open.polrelid)), '"', '')) = 0), '') AS fact,
           CASE
             WHEN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = g.column_name AND NOT a.attisdropped)
               THEN format('-- tenantry fence %I.%I', t.schema, t.name)
             WHEN NOT EXISTS (SELECT
                                FROM pg_proc f
                               WHERE f.pronamespace = to_regnamespace(quote_ident(${literal(context.tenancy.helpers.schema)}))
                                 AND f.proname = ${context.tenancy.helpers.callerOrganizations.name})
               THEN format('-- the policy calls %s(), which is missing: tenantry audit --drift lists what was changed since the stage', ${textOf(ident(context.tenancy.helpers.callerOrganizations))}::text)
             ELSE
           -- In one transaction: between a DROP and a CREATE that commit by themselves, other policies would open the table.
           format('BEGIN; DROP POLICY IF EXISTS %1$I ON %2$I.%3$I; CREATE POLICY %1$I ON %2$I.%3$I AS RESTRICTIVE FOR ALL USING (%4$I = ANY (ARRAY(SELECT %5$s()))) WITH CHECK (%4$I = ANY (ARRAY(SELECT %5$s())));',
                  g.guard, t.schema, t.name, g.column_name, ${textOf(ident(context.tenancy.helpers.callerOrganizations))}::text)
           -- A partition that was attached after the stage has no row-level security: requests could read it by its own name.
           || CASE WHEN t.oid = named.oid OR (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = t.oid) THEN ''
                   ELSE format(' ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY;', t.schema, t.name)
              END
           || ' COMMIT;'
           END AS fix
      FROM ${withPartitions(fenced(context))} AS t
      JOIN ${relationsNamed(fenced(context))} AS named ON named.oid = coalesce(pg_partition_root(t.oid), t.oid)
      JOIN ${guards(context)} ON g.schema = named.schema AND g.name = named.name
     WHERE t.oid NOT IN (SELECT polrelid FROM ${completeGuards(context)} AS p)
       AND (t.oid = named.oid OR t.oid IN (SELECT oid FROM ${reachable(context)} AS r))
  `,
  mutants: [
    {
      name: "the guard dropped",
      leak: "old-policy",
      kind: "damage",
      damage: ({ table }) => [dropGuard(table)],
    },
    {
      name: "the guard dropped, and an old policy that lets everybody see everything",
      leak: "old-policy",
      kind: "damage",
      damage: ({ table }) => [
        dropGuard(table),
        sql`CREATE POLICY old ON ${ident(table)} USING (TRUE)`,
      ],
    },
    {
      name: "the guard dropped, and a policy that is true of every row",
      leak: "tautology",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        dropGuard(table),
        sql`CREATE POLICY tautology ON ${ident(table)} FOR SELECT USING (${ident(tenancy.column)} = ${ident(tenancy.column)})`,
      ],
    },
    {
      name: "the guard dropped, and a lax policy for UPDATE",
      leak: "blind-write",
      kind: "damage",
      damage: ({ table }) => [
        dropGuard(table),
        sql`CREATE POLICY lax ON ${ident(table)} FOR UPDATE USING (TRUE) WITH CHECK (TRUE)`,
      ],
    },
    {
      name: "the guard dropped, and a lax policy for DELETE",
      leak: "blind-write",
      kind: "damage",
      damage: ({ table }) => [
        dropGuard(table),
        sql`CREATE POLICY lax ON ${ident(table)} FOR DELETE USING (TRUE)`,
      ],
    },
    {
      name: "the guard dropped, and a lax policy for INSERT",
      leak: "open-check",
      kind: "damage",
      damage: ({ table }) => [
        dropGuard(table),
        sql`CREATE POLICY lax ON ${ident(table)} FOR INSERT WITH CHECK (TRUE)`,
      ],
    },
    {
      name: "the guard open for reading",
      leak: "tautology",
      kind: "damage",
      damage: ({ table }) => [sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} USING (TRUE)`],
    },
    {
      name: "the guard open for writing",
      leak: "open-check",
      kind: "damage",
      damage: ({ table }) => [
        sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} WITH CHECK (TRUE)`,
      ],
    },
    {
      name: "the guard open to requests without a user",
      leak: "anonymous-branch",
      kind: "damage",
      damage: ({ table, tenancy }) => {
        const open = sql`${ident(tenancy.helpers.caller)}() IS NULL
                         OR ${ident(tenancy.column)} = ANY (ARRAY(SELECT ${ident(tenancy.helpers.callerOrganizations)}()))`;
        return [
          sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} USING (${open}) WITH CHECK (${open})`,
        ];
      },
    },
    {
      name: "the guard open for rows of no organization",
      leak: "null-organization",
      kind: "damage",
      damage: ({ table, tenancy }) => {
        const open = sql`${ident(tenancy.column)} IS NULL
                         OR ${ident(tenancy.column)} = ANY (ARRAY(SELECT ${ident(tenancy.helpers.callerOrganizations)}()))`;
        return [
          sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} USING (${open}) WITH CHECK (${open})`,
        ];
      },
    },
    {
      name: "the guard for one role only",
      leak: "old-policy",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} TO ${ident(role)}`,
      ],
    },
    {
      name: "a guard that trusts metadata that users write",
      leak: "forged-claims",
      kind: "damage",
      damage: ({ table, tenancy }) => {
        const trusting = sql`${ident(tenancy.column)}::text = current_setting('request.jwt.claims', TRUE)::jsonb -> 'user_metadata' ->> 'organization_id'`;
        return [
          sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} USING (${trusting}) WITH CHECK (${trusting})`,
        ];
      },
    },
    {
      name: "a guard that calls a function for each row",
      leak: "slow-guard",
      kind: "damage",
      damage: ({ table, tenancy }) => {
        const slow = sql`${ident(tenancy.column)} IN (SELECT ${ident(tenancy.helpers.callerOrganizations)}())`;
        return [
          sql`ALTER POLICY ${guardOf(table)} ON ${ident(table)} USING (${slow}) WITH CHECK (${slow})`,
        ];
      },
    },
    {
      name: "the guard of the memberships dropped",
      leak: "old-policy",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`DROP POLICY ${ident(organizationPolicies.memberships.guard)} ON ${ident(tenancy.memberships)}`,
      ],
    },
    {
      name: "a helper that was dropped with CASCADE",
      leak: "drop-cascade",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`DROP FUNCTION ${ident(tenancy.helpers.callerOrganizations)}() CASCADE`,
      ],
    },
  ],
};

/** The name of each fenced relation's guard, and the column that it checks, as `g`. */
function guards({ tenancy, tenantTables }: AuditContext): Sql {
  const all = [
    ...tenantTables.map((relation) => ({
      relation,
      guard: policyNames(relation.name).guard,
      column: tenancy.column,
    })),
    {
      relation: tenancy.organizations,
      guard: organizationPolicies.organizations.guard,
      column: "id",
    },
    {
      relation: tenancy.memberships,
      guard: organizationPolicies.memberships.guard,
      column: "organization_id",
    },
  ];
  return sql`unnest(${all.map(({ relation }) => relation.schema)}::text[],
                    ${all.map(({ relation }) => relation.name)}::text[],
                    ${all.map(({ guard }) => guard)}::text[],
                    ${all.map(({ column }) => column)}::text[]) AS g (schema, name, guard, column_name)`;
}

const printedName = '(\\w+|"([^"]|"")+")';

/** A guard's condition as the server prints it: the column is one of the caller's organizations. */
const guardsCondition = `^\\(${printedName} = ANY \\(ARRAY\\( SELECT ${printedName}(\\.${printedName})?\\(\\) AS ${printedName}\\)\\)\\)$`;

/** The rows of pg_policy that are a complete guard. */
function completeGuards({ tenancy }: AuditContext): Sql {
  return sql`(SELECT p.*
                FROM pg_policy p
                JOIN pg_depend d ON d.classid = 'pg_policy'::regclass
                                AND d.objid = p.oid
                                AND d.refclassid = 'pg_proc'::regclass
                JOIN pg_proc f ON f.oid = d.refobjid
               WHERE NOT p.polpermissive
                 AND p.polcmd = '*'
                 AND p.polroles = '{0}'
                 AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
                 AND pg_get_expr(p.polqual, p.polrelid)
                     ~ ${guardsCondition}
                 AND f.pronamespace = to_regnamespace(quote_ident(${literal(tenancy.helpers.schema)}))
                 AND f.proname = ${tenancy.helpers.callerOrganizations.name})`;
}

function guardOf({ name }: RelationName) {
  return ident(policyNames(name).guard);
}

function dropGuard(table: RelationName) {
  return sql`DROP POLICY ${guardOf(table)} ON ${ident(table)}`;
}
