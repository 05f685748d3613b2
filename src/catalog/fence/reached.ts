import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { list, type Sql, sql } from "../../postgres/sql.ts";
import { isNoSystemSchema } from "../system-schemas.ts";
import { notOfExtension } from "./entry.ts";
import { namesInBody, schemasOf } from "./names-in-body.ts";
import { type FencedTable, type FenceScope, isOfFence, tablesItem } from "./scope.ts";

const kinds = ["function", "operator", "relation"] as const;

const foundSchema = z.object({
  kind: z.enum(kinds),
  oid: z.string(),
  object: z.string(),
  caller: z.string(),
});

type Found = z.output<typeof foundSchema>;

/** An object that the fence calls or reads, and the objects that lead to it. */
export type Reached = {
  readonly kind: (typeof kinds)[number];
  readonly oid: string;
  readonly object: string;
  readonly callers: readonly string[];
};

const signature: Sql = sql`format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`;

/** Functions, operators and relations that others depend on, as `kind`, `oid` and `object`. */
const named: Sql = sql`
  (SELECT 'pg_proc'::regclass AS class, p.oid, 'function' AS kind, 'function ' || ${signature} AS object, n.nspname AS schema, p.proname AS name
     FROM pg_proc p
     JOIN pg_namespace n ON n.oid = p.pronamespace
    UNION ALL
   SELECT 'pg_operator'::regclass, o.oid, 'operator', 'operator ' || o.oid::regoperator::text, n.nspname, o.oprname
     FROM pg_operator o
     JOIN pg_namespace n ON n.oid = o.oprnamespace
    UNION ALL
   SELECT 'pg_class'::regclass, c.oid, 'relation',
          CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'relation ' END || format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
     FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f'))
`;

/**
 * Everything that the fence calls, at every level: by the server's own dependencies where it parsed the
 * caller (policies, defaults, views, BEGIN ATOMIC), by names in the text of other functions.
 */
export async function readReached(
  queries: Queries,
  scope: FenceScope,
  { tables, path }: { readonly tables: readonly FencedTable[]; readonly path: readonly string[] },
): Promise<Reached[]> {
  const index = await readIndex(queries);
  const known = new Map<string, Reached>();
  let next = await readRoots(queries, scope, tables);
  while (next.length > 0) {
    const fresh: Found[] = [];
    for (const one of next) {
      const key = `${one.kind} ${one.oid}`;
      const before = known.get(key);
      if (before === undefined) fresh.push(one);
      const callers = new Set([...(before?.callers ?? []), one.caller]);
      known.set(key, { ...one, callers: [...callers] });
    }
    next = fresh.length === 0 ? [] : await readCalled(queries, fresh, { index, path });
  }
  const own = new Set(tables.map(({ oid }) => oid));
  return [...known.values()].filter(({ kind, oid }) => kind !== "relation" || !own.has(oid));
}

/** What policies, defaults, constraints, rules and triggers of the fence name, and the helpers. */
function readRoots(
  queries: Queries,
  { column, helpers }: FenceScope,
  tables: readonly FencedTable[],
): Promise<Found[]> {
  const name = sql`format('%I.%I', n.nspname, c.relname)`;
  const on = (catalog: Sql, relation: Sql, caller: Sql, condition: Sql): Sql => sql`
    SELECT ${catalog}::regclass AS class,
           o.oid,
           ${caller} AS caller
      FROM ${tablesItem(tables)} AS fenced
      JOIN pg_class c ON c.oid = fenced.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN ${relation}
     WHERE ${condition}`;
  const dependents = [
    on(
      sql`'pg_policy'`,
      sql`pg_policy o ON o.polrelid = c.oid`,
      sql`format('policy %s.%I', ${name}, o.polname)`,
      sql`fenced.part <> 'users'`,
    ),
    on(
      sql`'pg_attrdef'`,
      sql`pg_attrdef o ON o.adrelid = c.oid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.adnum`,
      sql`format('column %s.%I', ${name}, a.attname)`,
      sql`(fenced.part IN ('organizations', 'memberships') OR (fenced.part = 'tenant' AND a.attname = ${column}))`,
    ),
    on(
      sql`'pg_rewrite'`,
      sql`pg_rewrite o ON o.ev_class = c.oid AND o.rulename <> '_RETURN'`,
      sql`format('rule %s.%I', ${name}, o.rulename)`,
      sql`TRUE`,
    ),
    on(
      sql`'pg_trigger'`,
      sql`pg_trigger o ON o.tgrelid = c.oid AND NOT o.tgisinternal`,
      sql`format('trigger %s.%I', ${name}, o.tgname)`,
      isOfFence(sql`o`),
    ),
  ];
  return queries.rows(
    sql`
      WITH root AS (${list(dependents, "\n UNION ALL\n")})
      SELECT named.kind,
             named.oid::text,
             named.object,
             root.caller
        FROM root
        JOIN pg_depend d ON d.classid = root.class AND d.objid = root.oid
        JOIN ${named} AS named ON named.class = d.refclassid AND named.oid = d.refobjid
       WHERE named.schema <> 'pg_catalog'
       UNION
      SELECT named.kind,
             named.oid::text,
             named.object,
             'schema ' || quote_ident(named.schema)
        FROM ${named} AS named
       WHERE named.kind = 'function'
         AND ((named.schema = ${helpers.schema} AND named.name = ANY (${helpers.functions}::text[]))
              -- Supabase's: policies everywhere call them.
              OR (named.schema = 'auth' AND named.name IN ('uid', 'jwt', 'role')))
       UNION
      ${ofDatabase}
    `,
    foundSchema,
  );
}

/** Casts `k` that somebody has created between types of PostgreSQL: `'…'::uuid` may use one. */
export const isCastOfBuiltIn: Sql = sql`
  (k.oid >= 16384
   AND k.castsource < 16384
   AND k.casttarget < 16384
   AND ${notOfExtension(sql`'pg_cast'`, sql`k.oid`)})
`;

/** Functions that casts and event triggers run: they belong to no table. */
const ofDatabase: Sql = sql`
      SELECT 'function' AS kind,
             p.oid::text,
             'function ' || ${signature},
             format('cast (%s AS %s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL))
        FROM pg_cast k
        JOIN pg_proc p ON p.oid = k.castfunc
        JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE ${isCastOfBuiltIn}
       UNION
      SELECT 'function',
             p.oid::text,
             'function ' || ${signature},
             format('event trigger %I', e.evtname)
        FROM pg_event_trigger e
        JOIN pg_proc p ON p.oid = e.evtfoid
        JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE ${notOfExtension(sql`'pg_event_trigger'`, sql`e.oid`)}
`;

const indexSchema = z.object({
  kind: z.enum(kinds),
  oid: z.string(),
  object: z.string(),
  schema: z.string(),
  name: z.string(),
  /** Whether a name without its schema may mean it: what belongs to an extension comes and goes with that. */
  byNameAlone: z.boolean(),
});

type Index = ReadonlyMap<string, readonly z.output<typeof indexSchema>[]>;

/** All functions, operators and relations that are not PostgreSQL's own, by kind and name. */
async function readIndex(queries: Queries): Promise<Index> {
  const rows = await queries.rows(
    sql`
      SELECT named.kind,
             named.oid::text,
             named.object,
             named.schema::text,
             named.name::text,
             NOT EXISTS (SELECT
                           FROM pg_depend x
                          WHERE x.classid = named.class
                            AND x.objid = named.oid
                            AND x.deptype = 'e')
             AND (named.kind <> 'operator'
                  OR EXISTS (SELECT
                               FROM pg_operator o
                              WHERE o.oid = named.oid
                                AND o.oprleft < 16384
                                AND o.oprright < 16384)) AS "byNameAlone"
        FROM ${named} AS named
       WHERE ${isNoSystemSchema(sql`named.schema`)}
    `,
    indexSchema,
  );
  const index = new Map<string, z.output<typeof indexSchema>[]>();
  for (const row of rows) {
    const key = `${row.kind} ${row.name}`;
    index.set(key, [...(index.get(key) ?? []), row]);
  }
  return index;
}

type Reading = { readonly index: Index; readonly path: readonly string[] };

async function readCalled(
  queries: Queries,
  callers: readonly Found[],
  reading: Reading,
): Promise<Found[]> {
  const parsed = await queries.rows(
    sql`
      SELECT named.kind,
             named.oid::text,
             named.object,
             caller.object AS caller
        FROM unnest(${callers.map(({ oid }) => oid)}::text[],
                    ${callers.map(({ object }) => object)}::text[],
                    ${callers.map(({ kind }) => kind)}::text[]) AS caller (oid, object, kind)
        JOIN pg_depend d ON (caller.kind = 'function' AND d.classid = 'pg_proc'::regclass AND d.objid = caller.oid::oid)
                         OR (caller.kind = 'operator' AND d.classid = 'pg_operator'::regclass AND d.objid = caller.oid::oid)
                         OR (caller.kind = 'relation' AND d.classid = 'pg_rewrite'::regclass
                             AND d.objid IN (SELECT r.oid FROM pg_rewrite r WHERE r.ev_class = caller.oid::oid AND r.rulename = '_RETURN'))
        JOIN ${named} AS named ON named.class = d.refclassid AND named.oid = d.refobjid
       WHERE named.schema <> 'pg_catalog'
         AND d.deptype <> 'e'
         AND NOT (caller.kind = 'relation' AND named.oid = caller.oid::oid)
    `,
    foundSchema,
  );
  const functions = callers.filter(({ kind }) => kind === "function");
  const bodies = await queries.rows(
    sql`
      SELECT p.oid::text,
             p.prosrc AS body,
             coalesce(p.proconfig, '{}') AS settings
        FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang
       WHERE p.oid = ANY (${functions.map(({ oid }) => oid)}::text[]::oid[])
         AND l.lanname NOT IN ('c', 'internal')
         AND p.prosqlbody IS NULL
         -- What an event trigger runs is compared, and not what that calls: it is run by DDL only.
         AND p.prorettype <> 'event_trigger'::regtype
    `,
    z.object({ oid: z.string(), body: z.string(), settings: z.array(z.string()) }),
  );
  const read = bodies.flatMap(({ oid, body, settings }) => {
    const caller = functions.find((one) => one.oid === oid)?.object ?? "";
    return inBody(body, schemasOf(settings) ?? reading.path, reading.index).map((row) => ({
      ...row,
      caller,
    }));
  });
  return [...parsed, ...read];
}

/** What the text of a body may name. */
function inBody(body: string, path: readonly string[], index: Index): Omit<Found, "caller">[] {
  const { called, relations, operators } = namesInBody(body);
  const find = (kind: Found["kind"], parts: readonly string[]) => {
    const [schema, name] = parts.length > 1 ? parts : [undefined, parts[0]];
    return (index.get(`${kind} ${name}`) ?? []).filter((one) =>
      schema === undefined ? one.byNameAlone && path.includes(one.schema) : one.schema === schema,
    );
  };
  return [
    ...called.flatMap((parts) => find("function", parts)),
    ...relations.flatMap((parts) => find("relation", parts)),
    ...operators.flatMap((operator) => find("operator", [operator])),
  ].map(({ kind, oid, object }) => ({ kind, oid, object }));
}
