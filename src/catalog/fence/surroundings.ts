import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { attribute, type FenceEntry, notOfExtension, privileges, readEntries } from "./entry.ts";
import { isCastOfBuiltIn } from "./reached.ts";

/** Event triggers, which run at every change of the schema, and may grant. */
export function readEventTriggers(queries: Queries): Promise<FenceEntry[]> {
  const state = sql`(CASE e.evtenabled WHEN 'O' THEN 'ENABLE' WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END)`;
  const tags = sql`array_to_string(e.evttags, ', ')`;
  const create = sql`
    format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s();', e.evtname, e.evtevent,
           (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(tag), ', ')) FROM unnest(e.evttags) AS tag HAVING count(*) > 0),
           e.evtfoid::regproc)`;
  return readEntries(
    queries,
    sql`
      SELECT 'event trigger' AS kind,
             format('event trigger %I', e.evtname) AS object,
             ARRAY[]::text[] AS of,
             ${create} AS create,
             format('DROP EVENT TRIGGER %I;', e.evtname) AS drop,
             jsonb_build_array(
               ${attribute("event", sql`e.evtevent`)},
               ${attribute("tags", tags)},
               ${attribute("function", sql`e.evtfoid::regproc::text`)},
               ${attribute("enabled", sql`CASE e.evtenabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica only' ELSE 'always' END`, sql`format('ALTER EVENT TRIGGER %I %s;', e.evtname, ${state})`)},
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(e.evtowner))`, sql`format('ALTER EVENT TRIGGER %I OWNER TO %I;', e.evtname, pg_get_userbyid(e.evtowner))`)}
             ) AS attributes
        FROM pg_event_trigger e
       WHERE ${notOfExtension(sql`'pg_event_trigger'`, sql`e.oid`)}
    `,
  );
}

/** Casts between types of PostgreSQL that are not PostgreSQL's. */
export function readCasts(queries: Queries): Promise<FenceEntry[]> {
  const name = sql`format('(%s AS %s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL))`;
  return readEntries(
    queries,
    sql`
      SELECT 'cast' AS kind,
             'cast ' || ${name} AS object,
             ARRAY[]::text[] AS of,
             NULL AS create,
             format('DROP CAST %s;', ${name}) AS drop,
             jsonb_build_array(
               ${attribute("method", sql`CASE k.castmethod WHEN 'f' THEN 'function ' || k.castfunc::regprocedure WHEN 'b' THEN 'binary' ELSE 'input and output' END`)},
               ${attribute("context", sql`CASE k.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'assignment' ELSE 'explicit' END`)}
             ) AS attributes
        FROM pg_cast k
       WHERE ${isCastOfBuiltIn}
    `,
  );
}

/**
 * The schemas of the fence's objects: owners, and who may create objects there, which may take the place
 * of what a function names.
 * @param helpers the schema of the helpers: there, everybody's privileges are compared
 */
export function readSchemas(
  queries: Queries,
  { schemas, helpers }: { readonly schemas: readonly string[]; readonly helpers: string },
  roles: readonly string[],
): Promise<FenceEntry[]> {
  const held = (asked: readonly string[], wanted: readonly string[]) =>
    privileges(
      {
        acl: sql`coalesce(n.nspacl, acldefault('n', n.nspowner))`,
        owner: sql`n.nspowner`,
        on: sql`format('SCHEMA %I', n.nspname)`,
      },
      asked,
      wanted,
    );
  return readEntries(
    queries,
    sql`
      SELECT 'schema' AS kind,
             format('schema %I', n.nspname) AS object,
             ARRAY[]::text[] AS of,
             NULL AS create,
             NULL AS drop,
             jsonb_build_array(
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(n.nspowner))`, sql`format('ALTER SCHEMA %I OWNER TO %I;', n.nspname, pg_get_userbyid(n.nspowner))`)}
             )
             || ${held(roles, ["CREATE", "USAGE"])}
             || CASE WHEN n.nspname = ${helpers} THEN ${othersMayCreate(roles)} ELSE '[]' END AS attributes
        FROM pg_namespace n
       WHERE n.nspname = ANY (${[...schemas]}::text[])
    `,
  );
}

/** In the helpers' schema nobody but its owner creates anything. */
function othersMayCreate(roles: readonly string[]) {
  return sql`
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'name', format('privileges of %I', r.rolname),
                       'value', 'CREATE',
                       'restore', format('GRANT CREATE ON SCHEMA %I TO %I;', n.nspname, r.rolname),
                       'remove', format('REVOKE CREATE ON SCHEMA %I FROM %I;', n.nspname, r.rolname))), '[]')
       FROM aclexplode(n.nspacl) AS a
       JOIN pg_roles r ON r.oid = a.grantee
      WHERE a.privilege_type = 'CREATE'
        AND a.grantee <> n.nspowner
        AND r.rolname <> ALL (${[...roles]}::text[]))
  `;
}

/** Settings of all sessions, by which triggers do not fire or names mean something else. */
const serverWide = [
  "session_replication_role",
  "row_security",
  "event_triggers",
  "lo_compat_privileges",
  "transform_null_equals",
  "search_path",
  "role",
];

/** Settings in the server's configuration that concern the fence, where they are not the default. */
export function readServerSettings(queries: Queries): Promise<FenceEntry[]> {
  return readEntries(
    queries,
    sql`
      SELECT 'settings' AS kind,
             'settings of the server' AS object,
             ARRAY[]::text[] AS of,
             NULL AS create,
             NULL AS drop,
             coalesce(jsonb_agg(jsonb_build_object(
                        'name', s.name,
                        'value', s.setting,
                        'restore', format('ALTER SYSTEM SET %I TO %L; SELECT pg_reload_conf();', s.name, s.setting),
                        'remove', format('ALTER SYSTEM RESET %I; SELECT pg_reload_conf();', s.name))), '[]') AS attributes
        FROM pg_settings s
       WHERE s.name = ANY (${serverWide}::text[])
         AND s.source IN ('configuration file', 'command line')
         AND s.setting IS DISTINCT FROM s.boot_val
    `,
  );
}
