import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { accessOf } from "../grants.ts";
import { isNoSystemSchema, isUserSchema } from "../system-schemas.ts";
import { type Body, readBody } from "./body.ts";
import { loadParser, type Parser } from "./parser.ts";
import { readJobs, readLinks, readNamed, readRelationFacts, readTriggers } from "./read-links.ts";
import { type Routine, type Routines, routineSchema } from "./routine.ts";

/**
 * Reads all functions, parses their bodies, and reads what they are reached through. It must run in a
 * transaction.
 * @param roles the roles that requests run as
 */
export async function readRoutines(queries: Queries, roles: readonly string[]): Promise<Routines> {
  await queries.execute(sql`SAVEPOINT routines`);
  try {
    return await read(queries, roles);
  } finally {
    await queries.execute(sql`ROLLBACK TO SAVEPOINT routines`);
  }
}

async function read(queries: Queries, roles: readonly string[]): Promise<Routines> {
  const [path] = await queries.rows(
    sql`
      SELECT current_schemas(FALSE)::text[] AS schemas,
             (SELECT json_object_agg(oid::text, oid::regprocedure::text) FROM pg_proc p WHERE ${ofUsers}) AS shown
    `,
    z.object({ schemas: z.array(z.string()), shown: z.record(z.string(), z.string()).nullable() }),
  );
  // With an empty path, definitions are printed with the schema of every name.
  await queries.execute(sql`SET LOCAL search_path = pg_catalog`);
  const found = await queries.rows(routinesQuery(roles), routineSchema.omit({ shown: true }));
  const parser = await loadParser();
  const routines = found.map((routine): Routine => {
    const shown = path?.shown?.[routine.oid] ?? routine.signature;
    return { ...routine, shown, body: bodyOf(parser, routine) };
  });
  return {
    searchPath: path?.schemas ?? [],
    routines,
    relations: await readRelationFacts(queries, roles),
    triggers: await readTriggers(queries),
    links: await readLinks(queries),
    named: await readNamed(queries, roles),
    builtIn: await readBuiltIn(queries, routines),
    jobs: await readJobs(queries),
  };
}

/** Bodies by definition: parsing is pure, and the same functions are read often. */
const parsed = new Map<string, Body>();

function bodyOf(parser: Parser, routine: Omit<Routine, "body" | "shown">): Body {
  const { definition, language, source, atomic } = routine;
  const text = definition ?? "";
  const key = `${language} ${text}`;
  const before = parsed.get(key);
  if (before !== undefined) return before;
  const body = readBody(parser, {
    language: definition === null ? "internal" : language,
    definition: text,
    source,
    atomic,
  });
  parsed.set(key, body);
  return body;
}

const ofUsers = sql`p.pronamespace IN (SELECT n.oid FROM pg_namespace n WHERE ${isUserSchema(sql`n.nspname`)})`;

const routinesQuery = (roles: readonly string[]): Sql => sql`
  SELECT p.oid::text AS oid,
         n.nspname::text AS schema,
         p.proname::text AS name,
         p.oid::regprocedure::text AS signature,
         CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'window function' END AS kind,
         CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END AS definition,
         p.prosrc AS source,
         l.lanname::text AS language,
         p.prosqlbody IS NOT NULL AS atomic,
         p.prosecdef AS definer,
         o.rolname::text AS owner,
         o.rolsuper OR o.rolbypassrls AS "ownerBypasses",
         pg_has_role(p.proowner, 'USAGE') AS "mayAlter",
         p.provolatile::text AS volatility,
         p.proisstrict AS strict,
         format('%I.%I', n.nspname, p.proname) AS qualified,
         coalesce(p.proargmodes && ARRAY['o', 'b']::"char"[], FALSE) AS "hasOut",
         ARRAY(SELECT bypassing.rolname::text
                 FROM pg_roles bypassing
                WHERE bypassing.rolbypassrls
                  AND NOT bypassing.rolsuper
                  AND bypassing.oid <> p.proowner
                  AND has_function_privilege(bypassing.oid, p.oid, 'EXECUTE')
                ORDER BY 1) AS "keptBy",
         CASE WHEN p.prosecdef
              THEN ${accessOf("coalesce(p.proacl, acldefault('f', p.proowner))", "p.proowner")}
              ELSE '[]'::json
          END AS access,
         (SELECT coalesce(json_agg(json_build_object('name', coalesce(argument.name, ''), 'type', format_type(argument.type, NULL), 'position', argument.position) ORDER BY argument.position), '[]')
            FROM ROWS FROM (unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])), unnest(p.proargnames), unnest(p.proargmodes)) WITH ORDINALITY AS argument (type, name, mode, position)
           WHERE argument.type IS NOT NULL
             AND coalesce(argument.mode, 'i') IN ('i', 'b', 'v')) AS arguments,
         pg_get_function_arguments(p.oid) AS parameters,
         pg_get_function_result(p.oid) AS result,
         p.proretset AS "returnsSet",
         CASE
           WHEN t.typrelid <> 0
             THEN ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
           ELSE ARRAY(SELECT coalesce(argument.name, '')
                        FROM ROWS FROM (unnest(p.proargnames), unnest(p.proargmodes)) WITH ORDINALITY AS argument (name, mode, position)
                       WHERE argument.mode IN ('o', 'b', 't')
                       ORDER BY argument.position)
         END AS columns,
         p.provariadic <> 0 AS variadic,
         p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS "returnsTrigger",
         coalesce(p.proconfig, '{}') AS settings,
         EXISTS (SELECT FROM unnest(${[...roles]}::text[]) AS api (role) WHERE has_function_privilege(api.role, p.oid, 'EXECUTE')) AS execute,
         EXISTS (SELECT FROM unnest(${[...roles]}::text[]) AS api (role) WHERE has_function_privilege(api.role, p.oid, 'EXECUTE') AND has_schema_privilege(api.role, n.oid, 'USAGE')) AS usage,
         EXISTS (SELECT
                   FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass
                    AND d.objid = p.oid
                    AND d.deptype = 'e') AS "ofExtension"
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    JOIN pg_roles o ON o.oid = p.proowner
    JOIN pg_type t ON t.oid = p.prorettype
   WHERE ${isUserSchema(sql`n.nspname`)}
   ORDER BY n.nspname, p.proname, p.oid
`;

async function readBuiltIn(
  queries: Queries,
  routines: readonly Routine[],
): Promise<Routines["builtIn"]> {
  const names = new Set(routines.flatMap(({ body }) => body.calls.map(({ name }) => name)));
  return queries.rows(
    sql`
      SELECT p.proname::text AS name,
             bool_or(p.provolatile = 'v') AS volatile
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE NOT (${isNoSystemSchema(sql`n.nspname`)})
         AND p.proname = ANY (${[...names]}::text[])
       GROUP BY 1
    `,
    z.object({ name: z.string(), volatile: z.boolean() }),
  );
}
