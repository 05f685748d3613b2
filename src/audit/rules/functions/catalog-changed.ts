import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const catalogChanged: Rule = {
  id: "catalog-changed",
  severity: "critical",
  title: "A function or an operator of pg_catalog was added or changed",
  why: "pg_catalog comes first on every search_path, the helpers' own included: what is there takes the place of PostgreSQL's for every policy, function and view that is created or runs with the unqualified name.",
  source: "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-CATALOG",
  findings: () => sql`
    SELECT p.oid::regprocedure::text AS object,
           CASE
             WHEN p.oid >= 16384 THEN 'was added to pg_catalog'
             WHEN p.prosecdef THEN 'is SECURITY DEFINER, and PostgreSQL ships it without'
             WHEN p.proconfig IS NOT NULL THEN 'has settings, and PostgreSQL ships it without'
             WHEN p.proowner <> 10 THEN format('is owned by %I', pg_get_userbyid(p.proowner))
             ELSE format('is written in %s, and PostgreSQL ships it otherwise', l.lanname)
           END AS fact,
           CASE
             WHEN p.oid >= 16384 THEN format('DROP FUNCTION pg_catalog.%I(%s);', p.proname, pg_get_function_identity_arguments(p.oid))
             ELSE format('-- %s is not as PostgreSQL ships it: compare it with a new server of this version', p.oid::regprocedure)
           END AS fix
      FROM pg_proc p
      JOIN pg_language l ON l.oid = p.prolang
     WHERE p.pronamespace = 'pg_catalog'::regnamespace
       AND (p.oid >= 16384
            OR p.prosecdef
            OR p.proconfig IS NOT NULL
            OR p.proowner <> 10
            OR l.lanname NOT IN ('internal', 'c', 'sql'))
       AND NOT EXISTS (SELECT
                         FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid
                          AND d.deptype = 'e')
     UNION ALL
    SELECT o.oid::regoperator::text,
           'is an operator that was added to pg_catalog',
           format('DROP OPERATOR %s;', o.oid::regoperator)
      FROM pg_operator o
     WHERE o.oid >= 16384
       AND o.oprnamespace = 'pg_catalog'::regnamespace
       AND NOT EXISTS (SELECT
                         FROM pg_depend d
                        WHERE d.classid = 'pg_operator'::regclass
                          AND d.objid = o.oid
                          AND d.deptype = 'e')
  `,
  mutants: [
    {
      name: "a function added to pg_catalog",
      leak: "catalog-changed",
      kind: "damage",
      damage: () => [
        sql`SET LOCAL allow_system_table_mods = on`,
        sql`CREATE FUNCTION pg_catalog.mutant_first(value text) RETURNS text LANGUAGE sql AS 'SELECT value'`,
      ],
    },
    {
      name: "a built-in function that runs as its owner",
      leak: "catalog-changed",
      kind: "damage",
      damage: () => [
        sql`ALTER FUNCTION pg_catalog.query_to_xml(text, boolean, boolean, text) SECURITY DEFINER`,
      ],
    },
  ],
};
