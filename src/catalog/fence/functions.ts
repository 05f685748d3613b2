import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { attribute, type FenceEntry, onOff, privileges, readEntries } from "./entry.ts";
import type { Reached } from "./reached.ts";

const oidsOf = (reached: readonly Reached[]): string[] => reached.map(({ oid }) => oid);

/** A function's name and argument types, as ALTER ROUTINE takes them. */
export const signature: Sql = sql`format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`;

/** The functions that the fence calls, with everything that ALTER FUNCTION could change of them. */
export async function readFunctionEntries(
  queries: Queries,
  reached: readonly Reached[],
  roles: readonly string[],
): Promise<FenceEntry[]> {
  const alter = (what: Sql) => sql`format('ALTER ROUTINE %s %s;', ${signature}, ${what})`;
  const volatility = sql`(CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END)`;
  const parallel = sql`(CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END)`;
  const security = sql`(CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END)`;
  const simple = sql`p.prokind IN ('f', 'p')`;
  const entries = await readEntries(
    queries,
    sql`
      SELECT 'function' AS kind,
             'function ' || ${signature} AS object,
             ARRAY[p.oid::text] AS of,
             CASE WHEN ${simple} THEN pg_get_functiondef(p.oid) || ';' END AS create,
             format('DROP ROUTINE %s;', ${signature}) AS drop,
             jsonb_build_array(
               ${attribute("body", sql`concat_ws(' ', coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), p.probin)`)},
               ${attribute("language", sql`l.lanname`)},
               ${attribute("arguments", sql`pg_get_function_arguments(p.oid)`)},
               ${attribute("result", sql`pg_get_function_result(p.oid)`)},
               ${attribute("security", security, alter(sql`'SECURITY ' || ${security}`))},
               ${attribute("volatility", volatility, alter(volatility))},
               ${attribute("parallel", parallel, alter(sql`'PARALLEL ' || ${parallel}`))},
               ${attribute("leakproof", onOff(sql`p.proleakproof`), alter(sql`CASE WHEN p.proleakproof THEN 'LEAKPROOF' ELSE 'NOT LEAKPROOF' END`))},
               ${attribute("strict", onOff(sql`p.proisstrict`), alter(sql`CASE WHEN p.proisstrict THEN 'STRICT' ELSE 'CALLED ON NULL INPUT' END`))},
               ${attribute("settings", sql`(SELECT string_agg(setting, ', ' ORDER BY setting) FROM unnest(p.proconfig) AS setting)`, sql`CASE WHEN ${simple} THEN pg_get_functiondef(p.oid) || ';' END`, alter(sql`'RESET ALL'`))},
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(p.proowner))`, alter(sql`'OWNER TO ' || quote_ident(pg_get_userbyid(p.proowner))`))}
             )
             || ${privileges(
               {
                 acl: sql`coalesce(p.proacl, acldefault('f', p.proowner))`,
                 owner: sql`p.proowner`,
                 on: sql`'ROUTINE ' || ${signature}`,
               },
               roles,
               ["EXECUTE"],
             )} AS attributes
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_language l ON l.oid = p.prolang
       WHERE p.oid = ANY (${oidsOf(reached)}::text[]::oid[])
    `,
  );
  return withCallers(entries, reached);
}

/** Operators of the application, or of an extension, that the fence's conditions use. */
export async function readOperatorEntries(
  queries: Queries,
  reached: readonly Reached[],
): Promise<FenceEntry[]> {
  const name = sql`o.oid::regoperator::text`;
  const entries = await readEntries(
    queries,
    sql`
      SELECT 'operator' AS kind,
             'operator ' || ${name} AS object,
             ARRAY[o.oid::text] AS of,
             NULL AS create,
             format('DROP OPERATOR %s;', ${name}) AS drop,
             jsonb_build_array(
               ${attribute("function", sql`o.oprcode::regprocedure::text`)},
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(o.oprowner))`, sql`format('ALTER OPERATOR %s OWNER TO %I;', ${name}, pg_get_userbyid(o.oprowner))`)}
             ) AS attributes
        FROM pg_operator o
       WHERE o.oid = ANY (${oidsOf(reached)}::text[]::oid[])
    `,
  );
  return withCallers(entries, reached);
}

/** Views over the fence's tables, and relations that functions of the fence read. */
export async function readRelationEntries(
  queries: Queries,
  reached: readonly Reached[],
  over: readonly string[],
): Promise<FenceEntry[]> {
  const name = sql`format('%I.%I', n.nspname, c.relname)`;
  const option = (key: string) => sql`
    coalesce((SELECT split_part(setting, '=', 2) FROM unnest(c.reloptions) AS setting WHERE setting LIKE ${`${key}=%`}), 'off')`;
  const truth = (key: string) =>
    sql`CASE WHEN c.relkind = 'v' THEN CASE WHEN ${option(key)} IN ('on', 'true', '1', 'yes') THEN 'on' ELSE 'off' END END`;
  const set = (key: string) =>
    sql`format('ALTER VIEW %s SET (%s = %s);', ${name}, ${key}::text, ${truth(key)})`;
  const entries = await readEntries(
    queries,
    sql`
      SELECT 'view' AS kind,
             CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'relation ' END || ${name} AS object,
             ARRAY[c.oid::text] AS of,
             CASE WHEN c.relkind = 'v' THEN format('CREATE OR REPLACE VIEW %s AS %s', ${name}, pg_get_viewdef(c.oid)) END AS create,
             NULL AS drop,
             jsonb_build_array(
               ${attribute("definition", sql`CASE WHEN c.relkind IN ('v', 'm') AND c.oid = ANY (${oidsOf(reached)}::text[]::oid[]) THEN pg_get_viewdef(c.oid) END`)},
               ${attribute("security_invoker", truth("security_invoker"), set("security_invoker"))},
               ${attribute("security_barrier", truth("security_barrier"), set("security_barrier"))},
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(c.relowner))`, sql`format('ALTER TABLE %s OWNER TO %I;', ${name}, pg_get_userbyid(c.relowner))`)}
             ) AS attributes
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = ANY (${[...oidsOf(reached), ...over]}::text[]::oid[])
    `,
  );
  return withCallers(entries, reached);
}

/** Views over relations, directly or through other views, by oid. */
export async function readViewsOver(
  queries: Queries,
  relations: readonly string[],
): Promise<string[]> {
  const found = await queries.rows(
    sql`
      WITH RECURSIVE over AS (
        SELECT unnest(${[...relations]}::text[]::oid[]) AS oid
         UNION
        SELECT r.ev_class
          FROM over
          JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = over.oid AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite r ON r.oid = d.objid
      )
      SELECT c.oid::text
        FROM over
        JOIN pg_class c ON c.oid = over.oid
       WHERE c.relkind IN ('v', 'm')
    `,
    z.object({ oid: z.string() }),
  );
  return found.map(({ oid }) => oid);
}

/** Replaces the oid, by which an entry is read, with the objects that lead to it. */
function withCallers(entries: readonly FenceEntry[], reached: readonly Reached[]): FenceEntry[] {
  return entries.map((entry) => {
    const [oid] = entry.of;
    const of = reached.filter((one) => one.oid === oid).flatMap(({ callers }) => callers);
    return { ...entry, of: [...new Set(of)].sort() };
  });
}
