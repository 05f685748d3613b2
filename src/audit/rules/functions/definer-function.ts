import { ident, literal, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const definerFunction: Rule = {
  id: "definer-function",
  severity: "critical",
  title: "Requests can call a function that runs as its owner",
  why: "Row-level security does not apply to a SECURITY DEFINER function where it does not apply to its owner; what it returns, counts or writes crosses tenants unless it checks the organization.",
  source: "https://www.postgresql.org/docs/current/sql-createfunction.html",
  findings: (context) => sql`
    SELECT p.oid::regprocedure::text AS object,
           format('runs as %I, and requests can call it', pg_get_userbyid(p.proowner)) AS fact,
           format('-- %s must check the organization of what it returns and writes; if no policy and no trigger calls it: REVOKE EXECUTE ON FUNCTION … FROM PUBLIC, …', p.oid::regprocedure) AS fix
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prosecdef
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', ${literal(context.tenancy.helpers.schema)})
       AND NOT EXISTS (SELECT
                         FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid
                          AND d.deptype = 'e')
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
       AND EXISTS (SELECT
                     FROM ${apiRoles(context)}
                    WHERE has_schema_privilege(api.role, n.oid, 'USAGE')
                      AND has_function_privilege(api.role, p.oid, 'EXECUTE'))
  `,
  mutants: [
    {
      name: "a function that returns rows as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.everything() RETURNS SETOF ${ident(table)} LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog BEGIN ATOMIC SELECT * FROM ${ident(table)}; END`,
      ],
    },
    {
      name: "a function that counts as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.how_many() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog RETURN (SELECT count(*) FROM ${ident(table)})`,
      ],
    },
    {
      name: "a function that writes as its owner",
      leak: "definer-function",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE FUNCTION public.empty_it() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog BEGIN ATOMIC DELETE FROM ${ident(table)}; END`,
      ],
    },
  ],
};
