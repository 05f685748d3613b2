import { leakproofOids } from "../../../catalog/server/leakproof.ts";
import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const leakproofFunction: Rule = {
  id: "leakproof-function",
  severity: "high",
  title: "A function is marked LEAKPROOF that PostgreSQL does not ship so",
  why: "The planner may call it before a policy is applied, with rows of every tenant: its errors and notices reveal them. A built-in cast or operator does that too, once somebody marks it.",
  source: "https://www.postgresql.org/docs/current/rules-privileges.html",
  findings: ({ serverVersion }) => {
    const known = leakproofOids(serverVersion);
    return sql`
      SELECT p.oid::regprocedure::text AS object,
             CASE WHEN p.oid < 16384 THEN 'is LEAKPROOF, and PostgreSQL ships it without'
                  ELSE 'is LEAKPROOF, and is not built into PostgreSQL'
             END AS fact,
             format('ALTER FUNCTION %s NOT LEAKPROOF;', p.oid::regprocedure) AS fix
        FROM pg_proc p
       WHERE p.proleakproof
         -- The oids below are PostgreSQL's own. Those of a major that is not known yet are not compared.
         AND (p.oid >= 16384 OR (${known !== undefined} AND p.oid <> ALL (${[...(known ?? [])].map(String)}::oid[])))
         AND NOT EXISTS (SELECT
                           FROM pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass
                            AND d.objid = p.oid
                            AND d.deptype = 'e')
    `;
  },
  mutants: [
    {
      name: "a function marked LEAKPROOF",
      leak: "leakproof",
      kind: "damage",
      damage: () => [
        sql`CREATE FUNCTION public.harmless(value text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS 'BEGIN RETURN TRUE; END'`,
      ],
    },
    {
      name: "a built-in function marked LEAKPROOF",
      leak: "leakproof",
      kind: "damage",
      damage: () => [sql`ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF`],
    },
  ],
};
