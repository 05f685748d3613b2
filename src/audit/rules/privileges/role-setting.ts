import { ident, literal, sql } from "../../../postgres/sql.ts";
import { fenced, reachedRoles, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const roleSetting: Rule = {
  id: "role-setting",
  severity: "critical",
  title: "A setting with which requests begin says who they are, or what fires",
  why: "ALTER ROLE … SET and ALTER DATABASE … SET are in force before the first statement of a session: a user, a role, a path or a disabled trigger that no table and no policy shows.",
  source: "https://www.postgresql.org/docs/current/sql-alterrole.html",
  findings: (context) => sql`
    WITH set AS (
      SELECT CASE
               WHEN s.setrole = 0 THEN format('database %I', current_database())
               WHEN s.setdatabase = 0 THEN format('role %I', pg_get_userbyid(s.setrole))
               ELSE format('role %I in database %I', pg_get_userbyid(s.setrole), current_database())
             END AS place,
             CASE
               WHEN s.setrole = 0 AND s.setdatabase = 0 THEN 'ALTER ROLE ALL'
               WHEN s.setrole = 0 THEN format('ALTER DATABASE %I', current_database())
               WHEN s.setdatabase = 0 THEN format('ALTER ROLE %I', pg_get_userbyid(s.setrole))
               ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), current_database())
             END AS alter,
             split_part(one, '=', 1) AS name,
             substr(one, strpos(one, '=') + 1) AS value
        FROM pg_db_role_setting s
       CROSS JOIN LATERAL unnest(s.setconfig) AS one
       WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
         AND (s.setrole = 0
              OR s.setrole IN (SELECT oid FROM ${reachedRoles(context)} AS reached WHERE NOT reached.trusted))
    )
    SELECT format('%s of %s', set.name, set.place) AS object,
           format('is %s: %s', quote_literal(set.value), said.what) AS fact,
           format('%s RESET %s;', set.alter, (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(set.name, '.')) AS part)) AS fix
      FROM set
     CROSS JOIN LATERAL (
       SELECT CASE
                WHEN lower(set.name) = 'session_replication_role' AND set.value <> 'origin'
                  THEN 'triggers and foreign keys do not fire'
                WHEN lower(set.name) = 'role' AND set.value <> 'none' AND set.value <> ALL (${[...context.requests.listed]}::text[])
                  THEN 'requests begin as a role that the configuration does not name'
                WHEN lower(set.name) = 'row_security' AND lower(set.value) IN ('off', 'false', 'no', '0')
                  THEN 'statements behind policies fail'
                WHEN lower(set.name) = 'lo_compat_privileges' AND lower(set.value) NOT IN ('off', 'false', 'no', '0')
                  THEN 'large objects have no privileges'
                WHEN lower(set.name) = ANY (${context.identitySettings.map((name) => name.toLowerCase())}::text[])
                     OR lower(set.name) LIKE 'request.%'
                  THEN 'a request that says nothing is that user'
                WHEN lower(set.name) = 'pgrst.db_anon_role' AND set.value <> ALL (${[...context.requests.starts]}::text[])
                  THEN 'requests without a token run as a role that the configuration does not name'
                WHEN lower(set.name) = 'pgrst.jwt_role_claim_key' AND set.value ~* 'user_metadata'
                  THEN 'users write the role that their requests run as'
                WHEN lower(set.name) = 'pgrst.db_schemas'
                     AND string_to_array(regexp_replace(set.value, '[\\s"]', '', 'g'), ',')
                         && ARRAY[${literal(context.tenancy.helpers.schema)}, 'tenantry', 'pg_catalog']
                  THEN 'the API exposes an internal schema'
                WHEN lower(set.name) = 'search_path'
                  THEN (SELECT min(format('the schema %I comes before %s', path.schema, hidden.name))
                          FROM unnest(string_to_array(regexp_replace(set.value, '[\\s"]', '', 'g'), ',')) WITH ORDINALITY AS path (schema, place)
                         CROSS JOIN LATERAL (
                           SELECT 'pg_catalog'
                            WHERE path.place < array_position(string_to_array(regexp_replace(set.value, '[\\s"]', '', 'g'), ','), 'pg_catalog')
                            UNION ALL
                           SELECT format('%I.%I', t.schema, t.name)
                             FROM ${relationsNamed(fenced(context))} AS t
                             JOIN pg_namespace n ON n.nspname = path.schema
                             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                            WHERE path.place < array_position(string_to_array(regexp_replace(set.value, '[\\s"]', '', 'g'), ','), t.schema::text)
                         ) AS hidden (name))
              END AS what
     ) AS said
     WHERE said.what IS NOT NULL
  `,
  mutants: [
    {
      name: "requests in whose sessions no trigger fires",
      leak: "role-settings",
      kind: "damage",
      damage: ({ role }) => [
        sql`ALTER ROLE ${ident(role)} SET session_replication_role = 'replica'`,
      ],
    },
    {
      name: "a user for requests that name none",
      leak: "role-settings",
      kind: "damage",
      damage: () => [
        sql`
          DO $$
          BEGIN
            EXECUTE format('ALTER DATABASE %I SET request.jwt.claims = %L', current_database(), '{"sub":"00000000-0000-4000-8000-000000000001"}');
          END $$
        `,
      ],
    },
    {
      name: "requests that begin as another role",
      leak: "role-settings",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE ROLE mutant_first`,
        sql`ALTER ROLE ${ident(role)} SET role = 'mutant_first'`,
      ],
    },
    {
      name: "a path on which another table comes first",
      leak: "role-settings",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE SCHEMA mutant_first`,
        sql`CREATE VIEW mutant_first.${ident(table.name)} AS SELECT * FROM ${ident(table)}`,
        sql`ALTER ROLE ${ident(role)} SET search_path = mutant_first, public`,
      ],
    },
  ],
};
