import { functionBody, ident, list, literal, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { none } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import type { Tenancy } from "../../src/steps/model/tenancy.ts";
import { callerExpression } from "../../src/steps/model/tenancy.ts";

/**
 * The functions that every policy calls. SECURITY DEFINER, so that reading the memberships is not
 * subject to their own policy (the plan's policy recurses). Those that read tables are PL/pgSQL, which
 * caches its plans in the session: a function in SQL is planned again for every statement, which
 * doubles the time of a look-up by key.
 */
export function createHelpers({ tenancy, settings }: StageContext): TransactionStep {
  const { helpers, memberships, users } = tenancy;
  return {
    id: "day1/helpers",
    title: "create the helper functions",
    mode: "transaction",
    lock: { level: "none" },
    up: [
      sql`CREATE SCHEMA ${ident(helpers.schema)}`,
      sql`CREATE FUNCTION ${ident(helpers.caller)}()
  RETURNS ${raw(users.idType)}
  LANGUAGE sql
  STABLE
  RETURN ${callerExpression(settings.identity, users.idType)}`,
      membershipFunction(tenancy, helpers.callerOrganizations, []),
      membershipFunction(tenancy, helpers.callerAdministers, [
        sql`membership.role IN ('owner', 'admin')`,
      ]),
      writingOrganization(tenancy, "with fallback"),
      // Policies and the default run as the current user; default privileges may have revoked this.
      sql`GRANT EXECUTE ON FUNCTION
  ${ident(helpers.callerOrganizations)}(),
  ${ident(helpers.callerAdministers)}(),
  ${ident(helpers.writingOrganization)}()
  TO PUBLIC`,
    ],
    down: {
      kind: "exact",
      sql: [
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.writingOrganization)}()`,
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.callerAdministers)}()`,
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.callerOrganizations)}()`,
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.caller)}()`,
        sql`DROP SCHEMA IF EXISTS ${ident(helpers.schema)}`,
      ],
    },
    verify: [
      none(
        "the helper functions run as a role that bypasses row-level security",
        sql`
          SELECT format('%s runs as %s, which does not bypass the row-level security of %s', p.oid::regprocedure, p.proowner::regrole, c.oid::regclass) AS violation
            FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace
            JOIN pg_class c ON c.relname = ${memberships.name}
            JOIN pg_namespace cn ON cn.oid = c.relnamespace AND cn.nspname = ${memberships.schema}
            JOIN pg_roles r ON r.oid = p.proowner
           WHERE n.nspname = ${helpers.schema}
             AND p.proname IN (${helpers.callerOrganizations.name}, ${helpers.callerAdministers.name})
             AND NOT (p.prosecdef
                      AND p.provolatile = 's'
                      AND (r.rolsuper OR r.rolbypassrls OR (p.proowner = c.relowner AND NOT c.relforcerowsecurity)))
        `,
      ),
    ],
  };
}

function membershipFunction(
  tenancy: Tenancy,
  name: Tenancy["helpers"]["caller"],
  further: readonly Sql[],
): Sql {
  const caller = sql`membership.user_id = ${ident(tenancy.helpers.caller)}()`;
  return sql`CREATE FUNCTION ${ident(name)}()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  ${searchPath(tenancy)}
AS ${functionBody(sql`
BEGIN
  RETURN QUERY
    SELECT membership.organization_id
      FROM ${ident(tenancy.memberships)} AS membership
     WHERE ${list([caller, ...further], "\n       AND ")};
END`)}`;
}

/**
 * All names in the bodies are qualified, and a caller's search_path must not redirect an operator.
 * The operators of an extension's type, such as citext, are in the search_path of now.
 */
export function searchPath({ users }: Tenancy): Sql {
  return builtIn.test(users.idType)
    ? sql`SET search_path TO ''`
    : sql`SET search_path FROM CURRENT`;
}

const builtIn = /^(uuid|smallint|integer|bigint|numeric|text|character)\b/;

/**
 * The organization of a row that is written without one: that of the current user, where the user has
 * exactly one. With the fallback, rows written without a user (by the service role) go to the default
 * organization, so that the old application keeps working; Day 3 removes the fallback.
 */
export function writingOrganization(
  tenancy: Tenancy,
  fallback: "with fallback" | "without fallback",
): Sql {
  const { helpers, memberships, defaultOrganizationId } = tenancy;
  const own = sql`(
             SELECT (array_agg(membership.organization_id))[1]
               FROM ${ident(memberships)} AS membership
              WHERE membership.user_id = ${ident(helpers.caller)}()
             HAVING count(*) = 1)`;
  const body =
    fallback === "without fallback"
      ? own
      : sql`CASE
           WHEN ${ident(helpers.caller)}() IS NULL THEN ${literal(defaultOrganizationId)}::uuid
           ELSE ${own}
         END`;
  return sql`CREATE OR REPLACE FUNCTION ${ident(helpers.writingOrganization)}()
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  ${searchPath(tenancy)}
AS ${functionBody(sql`
BEGIN
  RETURN ${body};
END`)}`;
}
