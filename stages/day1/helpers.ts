import { functionBody, ident, list, literal, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { none } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import type { Tenancy } from "../../src/steps/model/tenancy.ts";
import { callerExpression } from "../../src/steps/model/tenancy.ts";

/**
 * The functions that every policy asks. SECURITY DEFINER, so that asking the memberships is not
 * itself subject to their policy (the plan's policy asks itself, without end). Those that look into
 * tables are PL/pgSQL, which keeps its plans for the length of a session: a function in SQL is
 * planned anew for every statement, which doubles the time of a look-up by key.
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
      // The policies and the default run as whoever asks; default privileges may have taken this away.
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
        "the helper functions run with rights that row-level security does not bind",
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
 * All names in the bodies are qualified, and no search_path of a caller's may redirect an operator.
 * That of a type that is not PostgreSQL's own, such as citext, is where it is found now.
 */
function searchPath({ users }: Tenancy): Sql {
  return builtIn.test(users.idType)
    ? sql`SET search_path TO ''`
    : sql`SET search_path FROM CURRENT`;
}

const builtIn = /^(uuid|smallint|integer|bigint|numeric|text|character)\b/;

/**
 * Where a row goes whose writer names no organization: the writer's own, where it is certain. With
 * the fallback, a writer who is nobody (the service role) writes to the default organization, so
 * that the old application keeps working; Day 3 takes the fallback away.
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
