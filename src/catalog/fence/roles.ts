import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { attribute, type FenceEntry, readEntries } from "./entry.ts";
import { isHarmlessSetting } from "./harmless-settings.ts";

/**
 * Attributes of roles: of those that requests have or may become, with their memberships, and of those
 * that own what the fence stands on.
 * @param owned owners, each with the object that it owns
 */
export function readRoleEntries(
  queries: Queries,
  scope: readonly string[],
  owned: readonly { readonly role: string; readonly object: string }[],
): Promise<FenceEntry[]> {
  const flag = (name: string, column: string, word: string) => {
    const value = sql`(to_jsonb(r) ->> ${column})::boolean`;
    return attribute(
      name,
      sql`CASE WHEN ${value} THEN 'yes' ELSE 'no' END`,
      sql`format('ALTER ROLE %I %s;', r.rolname, CASE WHEN ${value} THEN '' ELSE 'NO' END || ${word}::text)`,
    );
  };
  return readEntries(
    queries,
    sql`
      SELECT 'role' AS kind,
             format('role %I', r.rolname) AS object,
             ARRAY(SELECT format('role %I', member.rolname)
                     FROM pg_auth_members m
                     JOIN pg_roles member ON member.oid = m.member
                    WHERE m.roleid = r.oid
                      AND member.rolname = ANY (${[...scope]}::text[])
                    UNION
                   SELECT owned.object
                     FROM unnest(${owned.map(({ role }) => role)}::text[],
                                 ${owned.map(({ object }) => object)}::text[]) AS owned (role, object)
                    WHERE owned.role = quote_ident(r.rolname)
                    ORDER BY 1) AS of,
             NULL AS create,
             NULL AS drop,
             jsonb_build_array(
               ${flag("SUPERUSER", "rolsuper", "SUPERUSER")},
               ${flag("BYPASSRLS", "rolbypassrls", "BYPASSRLS")},
               ${flag("CREATEROLE", "rolcreaterole", "CREATEROLE")},
               ${flag("REPLICATION", "rolreplication", "REPLICATION")},
               ${flag("LOGIN", "rolcanlogin", "LOGIN")}
             )
             || CASE WHEN r.rolname = ANY (${[...scope]}::text[]) THEN ${memberships} ELSE '[]' END AS attributes
        FROM pg_roles r
       WHERE r.rolname !~ '^pg_'
         AND (r.rolname = ANY (${[...scope]}::text[])
              OR quote_ident(r.rolname) = ANY (${owned.map(({ role }) => role)}::text[]))
    `,
  );
}

/** Before PostgreSQL 16, whether a membership is inherited is an attribute of the member. */
const memberships = sql`
  (SELECT coalesce(jsonb_agg(jsonb_build_object(
                     'name', format('membership in %I', held.of),
                     'value', format('INHERIT %s, SET %s, ADMIN %s',
                                     CASE WHEN held.inherit THEN 'yes' ELSE 'no' END,
                                     CASE WHEN held.set THEN 'yes' ELSE 'no' END,
                                     CASE WHEN held.admin THEN 'yes' ELSE 'no' END),
                     'restore', CASE
                       WHEN current_setting('server_version_num')::integer >= 160000
                       THEN format('GRANT %I TO %I WITH INHERIT %s, SET %s, ADMIN %s;', held.of, r.rolname,
                                   held.inherit::text, held.set::text, held.admin::text)
                       ELSE format('GRANT %I TO %I%s; ALTER ROLE %I %s;', held.of, r.rolname,
                                   CASE WHEN held.admin THEN ' WITH ADMIN OPTION' ELSE format('; REVOKE ADMIN OPTION FOR %I FROM %I', held.of, r.rolname) END,
                                   r.rolname, CASE WHEN held.inherit THEN 'INHERIT' ELSE 'NOINHERIT' END)
                     END,
                     'remove', format('REVOKE %I FROM %I;', held.of, r.rolname))), '[]')
     FROM (SELECT role.rolname AS of,
                  bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit)) AS inherit,
                  bool_or(coalesce((to_jsonb(m) ->> 'set_option')::boolean, TRUE)) AS set,
                  bool_or(m.admin_option) AS admin
             FROM pg_auth_members m
             JOIN pg_roles role ON role.oid = m.roleid
            WHERE m.member = r.oid
            GROUP BY role.rolname) AS held)
`;

/**
 * Settings with which sessions begin: of roles, of this database, and of all roles; without those that
 * are known to be harmless.
 */
export async function readRoleSettings(
  queries: Queries,
  roles: readonly string[],
): Promise<FenceEntry[]> {
  const entries = await readEntries(
    queries,
    sql`
      WITH subject AS (
        SELECT r.oid,
               format('settings of role %I', r.rolname) AS object,
               format('ROLE %I', r.rolname) AS altered
          FROM pg_roles r
         WHERE r.rolname = ANY (${[...roles]}::text[])
         UNION ALL
        SELECT 0,
               'settings of all roles',
               'ROLE ALL'
      )
      SELECT 'settings' AS kind,
             subject.object,
             ARRAY[]::text[] AS of,
             NULL AS create,
             NULL AS drop,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                'name', held.name || held.where_to,
                                'value', held.value,
                                'restore', format('ALTER %s SET %s TO %s;', held.altered, held.name,
                                                  -- A list of names is kept as it is written after TO.
                                                  CASE WHEN held.name IN ('search_path', 'session_preload_libraries', 'local_preload_libraries', 'temp_tablespaces')
                                                       THEN held.value ELSE quote_literal(held.value) END),
                                'remove', format('ALTER %s RESET %s;', held.altered, held.name))), '[]')
                FROM (SELECT split_part(setting, '=', 1) AS name,
                             substr(setting, strpos(setting, '=') + 1) AS value,
                             CASE s.setdatabase WHEN 0 THEN '' ELSE ' in this database' END AS where_to,
                             CASE
                               WHEN s.setdatabase = 0 THEN subject.altered
                               WHEN subject.oid = 0 THEN format('DATABASE %I', current_database())
                               ELSE format('%s IN DATABASE %I', subject.altered, current_database())
                             END AS altered
                        FROM pg_db_role_setting s
                       CROSS JOIN unnest(s.setconfig) AS setting
                       WHERE s.setrole = subject.oid
                         AND (s.setdatabase = 0
                              OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))) AS held) AS attributes
        FROM subject
    `,
  );
  return entries.map((entry) => ({
    ...entry,
    attributes: entry.attributes.filter(
      ({ name }) => !isHarmlessSetting(name.split(" ")[0] ?? name),
    ),
  }));
}
