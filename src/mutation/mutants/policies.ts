import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import {
  ident,
  literal,
  type RelationName,
  type Some,
  type Sql,
  sql,
  textOf,
} from "../../postgres/sql.ts";
import { organizationPolicies } from "../../steps/model/organization-policies.ts";
import { isOneOf } from "../../steps/model/tenancy.ts";
import { policyNames } from "../../steps/table/fence.ts";

/** All policies of the table, the guard and the permissive ones, get this condition. */
function allAsk({ table }: BrokenFence, condition: Sql): Some<Sql> {
  const { guard, view, insert, update, delete: remove } = policyNames(table.name);
  const alter = (name: string, change: Sql) =>
    sql`ALTER POLICY ${ident(name)} ON ${ident(table)} ${change}`;
  return [
    alter(guard, sql`USING (${condition}) WITH CHECK (${condition})`),
    alter(view, sql`USING (${condition})`),
    alter(insert, sql`WITH CHECK (${condition})`),
    alter(update, sql`USING (${condition}) WITH CHECK (${condition})`),
    alter(remove, sql`USING (${condition})`),
  ];
}

const members = ({ tenancy }: BrokenFence) =>
  isOneOf(tenancy.column, tenancy.helpers.callerOrganizations);

const organization = ({ tenancy }: BrokenFence) => ident(tenancy.column);

const claims = sql`NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb`;

function withoutGuard(table: RelationName): Sql {
  return sql`DROP POLICY ${ident(policyNames(table.name).guard)} ON ${ident(table)}`;
}

/** Policies with other conditions than the plan's. */
export const policies: readonly Mutant[] = [
  {
    name: "all policies open to every signed-in user",
    leak: "tautology",
    kind: "damage",
    damage: (on) => allAsk(on, sql`${ident(on.tenancy.helpers.caller)}() IS NOT NULL`),
  },
  {
    name: "all policies open to the API's login",
    leak: "login-trusted",
    kind: "damage",
    damage: (on) => allAsk(on, sql`SESSION_USER = ${literal(on.login)} OR ${members(on)}`),
  },
  {
    name: "all policies true of a row that equals itself",
    leak: "tautology",
    kind: "damage",
    damage: (on) => allAsk(on, sql`id = id`),
  },
  {
    name: "a policy that is true for SELECT only, and no guard",
    leak: "tautology",
    kind: "damage",
    damage: ({ table }) => [
      withoutGuard(table),
      sql`CREATE POLICY seen ON ${ident(table)} FOR SELECT USING (TRUE)`,
    ],
  },
  {
    name: "an old policy for the role of requests, and no guard",
    leak: "old-policy",
    kind: "damage",
    damage: ({ table, role }) => [
      withoutGuard(table),
      sql`CREATE POLICY "Enable all access" ON ${ident(table)} TO ${ident(role)} USING (TRUE)`,
    ],
  },
  {
    name: "a guard that was made permissive",
    leak: "old-policy",
    kind: "damage",
    damage: (on) => [
      withoutGuard(on.table),
      sql`CREATE POLICY ${ident(policyNames(on.table.name).guard)} ON ${ident(on.table)}
            USING (${members(on)}) WITH CHECK (${members(on)})`,
      sql`CREATE POLICY old ON ${ident(on.table)} USING (TRUE)`,
    ],
  },
  {
    name: "all policies open to requests without a user",
    leak: "anonymous-branch",
    kind: "damage",
    damage: (on) =>
      allAsk(on, sql`${ident(on.tenancy.helpers.caller)}() IS NULL OR ${members(on)}`),
  },
  {
    name: "rows may be moved to anybody",
    leak: "open-check",
    kind: "damage",
    damage: ({ table }) => [
      sql`ALTER POLICY ${ident(policyNames(table.name).guard)} ON ${ident(table)} WITH CHECK (TRUE)`,
      sql`ALTER POLICY ${ident(policyNames(table.name).update)} ON ${ident(table)} WITH CHECK (TRUE)`,
    ],
  },
  {
    name: "all policies open for rows of no organization",
    leak: "null-organization",
    kind: "damage",
    damage: (on) => [
      ...allAsk(on, sql`${organization(on)} IS NULL OR ${members(on)}`),
      sql`ALTER TABLE ${ident(on.table)} ALTER COLUMN ${organization(on)} DROP NOT NULL`,
    ],
  },
  {
    name: "all policies trust user_metadata",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) =>
      allAsk(
        on,
        sql`${organization(on)}::text = ${claims} -> 'user_metadata' ->> 'organization_id' OR ${members(on)}`,
      ),
  },
  {
    name: "all policies trust a header",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) =>
      allAsk(
        on,
        sql`${organization(on)}::text = NULLIF(current_setting('request.headers', TRUE), '')::jsonb ->> 'x-organization' OR ${members(on)}`,
      ),
  },
  {
    name: "all policies trust the organization of the token",
    leak: "stale-claims",
    kind: "damage",
    damage: (on) =>
      allAsk(
        on,
        sql`${organization(on)}::text = ${claims} -> 'app_metadata' ->> 'organization_id' OR ${members(on)}`,
      ),
  },
  {
    name: "all policies trust a setting of the session",
    leak: "setting-left",
    kind: "damage",
    damage: (on) =>
      allAsk(on, sql`${organization(on)}::text = current_setting('app.organization', TRUE)`),
  },
  {
    name: "all policies call an IMMUTABLE function",
    leak: "immutable-helper",
    kind: "damage",
    damage: (on) => [
      sql`CREATE FUNCTION public.my_organization() RETURNS uuid LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog
            AS ${literal(`BEGIN RETURN (SELECT min(o::text)::uuid FROM ${textOf(ident(on.tenancy.helpers.callerOrganizations))}() AS o); END`)}`,
      ...allAsk(on, sql`${organization(on)} = public.my_organization()`),
    ],
  },
  {
    name: "a helper dropped with its policies, where an old one stays",
    leak: "drop-cascade",
    kind: "damage",
    damage: ({ table, tenancy }) => [
      sql`CREATE POLICY old ON ${ident(table)} USING (TRUE)`,
      sql`DROP FUNCTION ${ident(tenancy.helpers.callerOrganizations)}() CASCADE`,
    ],
  },
  {
    name: "a column dropped with its policies, where an old one stays",
    leak: "drop-cascade",
    kind: "damage",
    damage: ({ table, tenancy }) => [
      sql`CREATE POLICY old ON ${ident(table)} USING (TRUE)`,
      sql`ALTER TABLE ${ident(table)} DROP COLUMN ${ident(tenancy.column)} CASCADE`,
    ],
  },
  {
    name: "the organizations' policies true of every row",
    leak: "tautology",
    kind: "damage",
    damage: ({ tenancy }) => [
      sql`ALTER POLICY ${ident(organizationPolicies.organizations.guard)} ON ${ident(tenancy.organizations)} USING (TRUE) WITH CHECK (TRUE)`,
      sql`ALTER POLICY ${ident(organizationPolicies.organizations.view)} ON ${ident(tenancy.organizations)} USING (TRUE)`,
    ],
  },
  {
    name: "the memberships' policies true of every row",
    leak: "tautology",
    kind: "damage",
    damage: ({ tenancy }) => [
      sql`ALTER POLICY ${ident(organizationPolicies.memberships.guard)} ON ${ident(tenancy.memberships)} USING (TRUE) WITH CHECK (TRUE)`,
      sql`ALTER POLICY ${ident(organizationPolicies.memberships.view)} ON ${ident(tenancy.memberships)} USING (TRUE)`,
    ],
  },
];
