import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, raw, type Sql, sql } from "../../postgres/sql.ts";

const claims = sql`NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb`;

const headers = sql`NULLIF(current_setting('request.headers', TRUE), '')::jsonb`;

/** The helper with the plan's answer and another query's. */
function alsoAnswers({ tenancy }: BrokenFence, other: Sql): Sql {
  return sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.callerOrganizations)}()
    RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC
      SELECT membership.organization_id
        FROM ${ident(tenancy.memberships)} AS membership
       WHERE membership.user_id = ${ident(tenancy.helpers.caller)}()
       UNION
      ${other};
    END`;
}

const everyOrganization = ({ tenancy }: BrokenFence) =>
  sql`SELECT id FROM ${ident(tenancy.organizations)}`;

/** Unchanged policies, and a helper that returns too much. */
export const helpers: readonly Mutant[] = [
  {
    name: "a helper that gives everybody every organization",
    leak: "tautology",
    kind: "damage",
    damage: (on) => [alsoAnswers(on, everyOrganization(on))],
  },
  {
    name: "a helper that gives requests without a user every organization",
    leak: "anonymous-branch",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(
        on,
        sql`${everyOrganization(on)} WHERE ${ident(on.tenancy.helpers.caller)}() IS NULL`,
      ),
    ],
  },
  {
    name: "a helper that trusts user_metadata",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(on, sql`SELECT (${claims} -> 'user_metadata' ->> 'tenant')::uuid`),
    ],
  },
  {
    name: "a helper that takes a role from user_metadata",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(
        on,
        sql`${everyOrganization(on)} WHERE ${claims} -> 'user_metadata' ->> 'is_admin' = 'true'`,
      ),
    ],
  },
  {
    name: "a helper that trusts a header",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) => [alsoAnswers(on, sql`SELECT (${headers} ->> 'x-tenant')::uuid`)],
  },
  {
    name: "a helper that takes the user from a header",
    leak: "forged-claims",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(
        on,
        sql`SELECT organization_id FROM ${ident(on.tenancy.memberships)} WHERE user_id::text = ${headers} ->> 'x-user'`,
      ),
    ],
  },
  {
    name: "a helper that trusts a setting of the session",
    leak: "setting-left",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(on, sql`SELECT NULLIF(current_setting('app.tenant', TRUE), '')::uuid`),
    ],
  },
  {
    name: "a helper that trusts the organization of the token",
    leak: "stale-claims",
    kind: "damage",
    damage: (on) => [alsoAnswers(on, sql`SELECT (${claims} ->> 'org_id')::uuid`)],
  },
  {
    name: "a helper that trusts a list of organizations in the token",
    leak: "stale-claims",
    kind: "damage",
    damage: (on) => [
      alsoAnswers(
        on,
        sql`SELECT value::uuid FROM jsonb_array_elements_text(CASE jsonb_typeof(${claims} -> 'app_metadata' -> 'organizations') WHEN 'array' THEN ${claims} -> 'app_metadata' -> 'organizations' END)`,
      ),
    ],
  },
  {
    name: "a helper that makes every member an administrator",
    leak: "membership-self-write",
    kind: "damage",
    damage: ({ tenancy }) => [
      sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.callerAdministers)}()
            RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
            BEGIN ATOMIC
              SELECT organization_id FROM ${ident(tenancy.memberships)} WHERE user_id = ${ident(tenancy.helpers.caller)}();
            END`,
    ],
  },
  {
    name: "the caller, taken from a header",
    leak: "forged-claims",
    kind: "damage",
    damage: ({ tenancy }) => [
      sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.caller)}()
            RETURNS ${raw(tenancy.users.idType)} LANGUAGE sql STABLE
            RETURN (${headers} ->> 'x-user-id')::${raw(tenancy.users.idType)}`,
    ],
  },
];
