import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const leakproofFunction: Rule = {
  id: "leakproof-function",
  severity: "high",
  title: "A user's function is marked LEAKPROOF",
  why: "The planner may call it before a policy is applied, with rows of every tenant: its errors and notices reveal them.",
  source: "https://www.postgresql.org/docs/current/rules-privileges.html",
  findings: () => sql`
    SELECT p.oid::regprocedure::text AS object,
           'is LEAKPROOF, and is not built into PostgreSQL' AS fact,
           format('ALTER FUNCTION %s NOT LEAKPROOF;', p.oid::regprocedure) AS fix
      FROM pg_proc p
     WHERE p.proleakproof
       AND p.pronamespace <> 'pg_catalog'::regnamespace
       AND NOT EXISTS (SELECT
                         FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid
                          AND d.deptype = 'e')
  `,
  mutants: [
    {
      name: "a function marked LEAKPROOF",
      leak: "leakproof",
      kind: "damage",
      damage: () => [
        sql`CREATE FUNCTION public.harmless(value text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS 'BEGIN RETURN TRUE; END'`,
      ],
    },
  ],
};
