import type { OwnersRoutine } from "../../catalog/routines/judge.ts";
import type { Routine } from "../../catalog/routines/routine.ts";
import type { Tenants } from "../../catalog/routines/tenants.ts";
import type { Check } from "../../catalog/routines/ties.ts";
import { functionBody, ident, list, literal, raw, type Sql, sql } from "../../postgres/sql.ts";

/** How a guard restricts a function to its caller's organizations. */
export type GuardPlan =
  | { readonly kind: "arguments"; readonly checks: readonly Check[] }
  | { readonly kind: "results" };

/** How a guard could restrict it; or why none can. */
export function planGuard(
  one: OwnersRoutine,
  { column }: Tenants,
): GuardPlan | { readonly impossible: string } {
  const { routine, checks, unknown, writes, because } = one;
  const { columns, returnsSet, kind, hasOut, result, returnsTrigger } = routine;
  const [reason] = unknown;
  if (returnsTrigger) return { impossible: "is run by triggers" };
  if (!routine.definer) return { impossible: `${because}, and has no owner's rights` };
  if (reason !== undefined) return { impossible: reason };
  if (routine.volatility === "i")
    return { impossible: "is IMMUTABLE, so its result may be kept for others" };
  if (kind === "procedure" && hasOut) return { impossible: "is a procedure with OUT arguments" };
  if (hasOut && columns.includes("")) return { impossible: "has OUT arguments without names" };
  if (/^(SETOF )?record$/.test(result ?? "") && columns.length === 0)
    return { impossible: "returns records whose columns its callers name" };
  if (checks !== undefined && checks.length > 0) return { kind: "arguments", checks };
  if (!writes && returnsSet && columns.includes(column)) return { kind: "results" };
  return { impossible: "has neither arguments nor results that name an organization" };
}

/** The body of the function that checks, and then calls the copy of the original. */
export function guardBody(routine: Routine, plan: GuardPlan, tenants: Tenants): Sql {
  const copy = ident({ schema: tenants.helpers, name: routine.name });
  const given = routine.arguments.map(({ position }, index) => {
    const last = index === routine.arguments.length - 1;
    return raw(last && routine.variadic ? `VARIADIC $${position}` : `$${position}`);
  });
  const call = sql`${copy}(${list(given)})`;
  const organizations = sql`ARRAY(SELECT ${ident({ schema: tenants.helpers, name: "caller_organizations" })}())`;
  switch (plan.kind) {
    case "arguments":
      return sql`
BEGIN
  IF NOT ${bypasses}
     AND (${list(
       plan.checks.map((check) => conditionOf(check, routine, tenants, organizations)),
       "\n          AND ",
     )}) IS NOT TRUE THEN
    RAISE insufficient_privilege
      USING MESSAGE = ${literal(`${routine.name}: not of an organization of the current user`)};
  END IF;
  ${callIt(routine, call)}
END`;
    case "results":
      return sql`
BEGIN
  RETURN QUERY
  SELECT answer.*
    FROM ${call} AS answer
   WHERE answer.${ident(tenants.column)} = ANY (${organizations})
      OR ${bypasses};
END`;
    default:
      return plan satisfies never;
  }
}

/** The roles to which row-level security does not apply: the service role, and the function's owner. */
const bypasses = sql`EXISTS (SELECT
                      FROM pg_catalog.pg_roles AS asking
                     WHERE asking.rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
                       AND (asking.rolsuper OR asking.rolbypassrls OR asking.rolname = current_user))`;

function conditionOf(
  { argument, is }: Check,
  routine: Routine,
  { column, organizations, memberships }: Tenants,
  own: Sql,
): Sql {
  const { position, type } = routine.arguments[argument] ?? { position: 0, type: "" };
  const condition = (value: Sql): Sql => {
    if (is === "organization") return sql`${value}::uuid = ANY (${own})`;
    const { relation } = is;
    const same = (other: typeof organizations) =>
      other.schema === relation.schema && other.name === relation.name;
    const organization = same(organizations)
      ? "id"
      : same(memberships)
        ? "organization_id"
        : column;
    return sql`EXISTS (SELECT
                     FROM ${ident({ schema: relation.schema, name: relation.name })} AS checked
                    WHERE checked.${ident(is.column)} = ${value}::${raw(relation.keyType ?? "text")}
                      AND checked.${ident(organization)} = ANY (${own}))`;
  };
  const value = raw(`$${position}`);
  if (!type.endsWith("[]")) return condition(value);
  // Each of several; none is allowed.
  return sql`(SELECT bool_and(coalesce(${condition(raw("given.value"))}, FALSE)) FROM unnest(${value}) AS given (value)) IS NOT FALSE`;
}

function callIt({ kind, result, returnsSet, hasOut, columns }: Routine, call: Sql): Sql {
  if (kind === "procedure") return sql`CALL ${call};`;
  if (returnsSet) return sql`RETURN QUERY SELECT answer.* FROM ${call} AS answer;`;
  if (result === "void") return sql`PERFORM ${call};`;
  if (hasOut)
    return sql`SELECT answer.* FROM ${call} AS answer INTO ${list(columns.map((name) => ident(name)))};`;
  return sql`RETURN ${call};`;
}

/** The statement that puts the guard in the place of a function, whose owner, grants and comment stay. */
export function createGuard(routine: Routine, body: Sql): Sql {
  const { kind, qualified, parameters, result, volatility, strict } = routine;
  const volatile = volatility === "v" ? "VOLATILE" : "STABLE";
  const head =
    kind === "procedure"
      ? sql`CREATE OR REPLACE PROCEDURE ${raw(qualified)}(${raw(parameters)})
  LANGUAGE plpgsql`
      : sql`CREATE OR REPLACE FUNCTION ${raw(qualified)}(${raw(parameters)})
  RETURNS ${raw(result ?? "void")}
  LANGUAGE plpgsql
  ${raw(`${volatile}${strict ? " STRICT" : ""}`)}`;
  return sql`${head}
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS ${functionBody(body)}`;
}
