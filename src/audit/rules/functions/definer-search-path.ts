import { ident, sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const definerSearchPath: Rule = {
  id: "definer-search-path",
  severity: "high",
  title: "A SECURITY DEFINER function does not set its search_path",
  why: "The caller's search_path decides which tables and operators its names mean, and so what runs with its owner's rights.",
  source:
    "https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY",
  findings: () => sql`
    SELECT p.oid::regprocedure::text AS object,
           format('runs as %I with the search_path of its caller', pg_get_userbyid(p.proowner)) AS fact,
           -- The schemas that its names were found in; temporary objects last.
           format('ALTER ROUTINE %s SET search_path = %s; -- or hardening.functions in the configuration', p.oid::regprocedure,
                  (SELECT string_agg(quote_ident(path.schema), ', ' ORDER BY path.place) || ', pg_temp'
                     FROM unnest(current_schemas(FALSE)) WITH ORDINALITY AS path (schema, place)
                    WHERE path.schema NOT LIKE 'pg\\_temp%')) AS fix
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prosecdef
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT
                         FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid
                          AND d.deptype = 'e')
       -- The names in a body of SQL-standard form were resolved by CREATE FUNCTION: search_path no longer matters.
       AND p.prosqlbody IS NULL
       AND NOT EXISTS (SELECT
                         FROM unnest(p.proconfig) AS setting
                        WHERE setting LIKE 'search_path=%')
  `,
  mutants: [
    {
      name: "a function that runs as its owner, under the caller's search_path",
      leak: "definer-function",
      kind: "damage",
      damage: () => [
        sql`CREATE FUNCTION public.trusting() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END'`,
      ],
    },
    {
      name: "a helper whose search_path was taken away",
      leak: "definer-function",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.callerOrganizations)}()
              RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER AS 'BEGIN RETURN; END'`,
      ],
    },
  ],
};
