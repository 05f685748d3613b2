import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, type Sql, sql, textOf } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";

/** What a function of the fence needs to work. */
type Needs = {
  /** It reads the memberships, to whose policies its owner must not be subject. */
  readonly definer: boolean;
  readonly stable: boolean;
  /** Policies and defaults call it as the role of the request. */
  readonly execute: boolean;
};

const factsSchema = z.object({
  there: z.boolean(),
  definer: z.boolean(),
  volatility: z.enum(["immutable", "stable", "volatile"]),
  owner: z.string(),
  /** The memberships' owner, to whom it can be given. */
  tablesOwner: z.string(),
  ownerBypasses: z.boolean(),
  /** Whether its owner has the privileges that its body needs. */
  ownerMay: z.boolean(),
  searchPathIsSafe: z.boolean(),
  /** The settings of its SET clauses, without search_path. */
  otherSettings: z.array(z.string()),
  /** The roles of requests that may not call it. */
  roles: z.array(z.string()),
  /** Whether this session may call it. */
  mine: z.boolean(),
});

export type FunctionFacts = z.output<typeof factsSchema> & {
  readonly name: RelationName;
  readonly signature: string;
  readonly needs: Needs;
  /** Whether it may be missing: after Day 3 it is not needed. */
  readonly optional: boolean;
  /** The step that made it. */
  readonly step: string;
};

/** What the catalog says about the functions that the fence's policies, defaults and triggers call. */
export async function readFunctionFacts(
  queries: Queries,
  tenancy: Tenancy,
  roles: readonly string[],
): Promise<readonly FunctionFacts[]> {
  const { helpers } = tenancy;
  const asking = { definer: true, stable: true, execute: true };
  const functions: readonly (readonly [RelationName, Needs, string])[] = [
    [helpers.caller, { definer: false, stable: true, execute: false }, "day1/helpers"],
    [helpers.callerOrganizations, asking, "day1/helpers"],
    [helpers.callerAdministers, asking, "day1/helpers"],
    [helpers.writingOrganization, asking, "day1/helpers"],
    [
      helpers.joinDefaultOrganization,
      { definer: true, stable: false, execute: false },
      "day1/joining",
    ],
  ];
  const all: FunctionFacts[] = [];
  for (const [name, needs, step] of functions) {
    const facts = await factsOf(queries, tenancy, name, roles);
    const signature = `${textOf(ident(name))}()`.replaceAll(/"([a-z_][a-z0-9_]*)"/g, "$1");
    all.push({ name, signature, needs, step, optional: step === "day1/joining", ...facts });
  }
  return all;
}

async function factsOf(
  queries: Queries,
  { helpers, memberships, users }: Tenancy,
  name: RelationName,
  roles: readonly string[],
): Promise<z.output<typeof factsSchema>> {
  const joins = name.name === helpers.joinDefaultOrganization.name;
  const [facts] = await queries.rows(
    sql`
      SELECT p.oid IS NOT NULL AS there,
             coalesce(p.prosecdef, FALSE) AS definer,
             CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
             coalesce(p.proowner::regrole::text, '') AS owner,
             c.relowner::regrole::text AS "tablesOwner",
             coalesce(r.rolsuper
                      OR r.rolbypassrls
                      OR (pg_has_role(p.proowner, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity), FALSE) AS "ownerBypasses",
             coalesce(has_table_privilege(p.proowner, c.oid, ${joins ? "INSERT" : "SELECT"})
                      AND has_schema_privilege(p.proowner, c.relnamespace, 'USAGE')
                      AND (${joins}
                           OR (has_function_privilege(p.proowner, caller.oid, 'EXECUTE')
                               AND has_schema_privilege(p.proowner, caller.pronamespace, 'USAGE')))
                      -- After Day 3 it does nothing.
                      OR (${joins} AND position(${memberships.name}::text IN p.prosrc) = 0), FALSE) AS "ownerMay",
             -- In a body of SQL-standard form all names are resolved already.
             coalesce(p.prosqlbody IS NOT NULL
                      OR EXISTS (SELECT
                                   FROM unnest(p.proconfig) AS setting
                                  WHERE setting ~ '^search_path='
                                    AND (${!builtIn.test(users.idType)}
                                         OR setting ~ '^search_path=("|\\s|,|pg_catalog|pg_temp)*$')), FALSE) AS "searchPathIsSafe",
             ARRAY(SELECT split_part(setting, '=', 1)
                     FROM unnest(p.proconfig) AS setting
                    WHERE setting !~ '^search_path=') AS "otherSettings",
             ARRAY(SELECT asking.rolname::text
                     FROM pg_roles asking
                    WHERE asking.rolname = ANY (${[...roles]}::text[])
                      AND NOT has_function_privilege(asking.oid, p.oid, 'EXECUTE')
                    ORDER BY 1) AS roles,
             coalesce(has_function_privilege(p.oid, 'EXECUTE')
                      AND has_schema_privilege(p.pronamespace, 'USAGE'), FALSE) AS mine
        FROM pg_class c
        LEFT JOIN ${functionNamed(name)} AS p ON TRUE
        LEFT JOIN ${functionNamed(helpers.caller)} AS caller ON TRUE
        LEFT JOIN pg_roles r ON r.oid = p.proowner
       WHERE c.oid = to_regclass(${textOf(ident(memberships))})
    `,
    factsSchema,
  );
  if (facts === undefined) throw new Error(`there is no table ${memberships.name}`);
  return facts;
}

/** A function without parameters; looked up by name, since `regprocedure` requires USAGE on its schema. */
function functionNamed({ schema, name }: RelationName): Sql {
  return sql`(SELECT f.*
                FROM pg_proc f
                JOIN pg_namespace n ON n.oid = f.pronamespace
               WHERE n.nspname = ${schema}
                 AND f.proname = ${name}
                 AND f.pronargs = 0)`;
}

/** For users' keys of these types the helpers are created with an empty search_path. */
const builtIn = /^(uuid|smallint|integer|bigint|numeric|text|character)\b/;
