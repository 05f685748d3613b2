import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

const functionSchema = z.object({
  schema: z.string(),
  name: z.string(),
  arguments: z.string(),
  /** The statement that makes it, or makes it again. */
  definition: z.string(),
  /** Its name and the types of its arguments, as ALTER ROUTINE takes them. */
  signature: z.string(),
  owner: z.string(),
  mayAlter: z.boolean(),
  securityDefiner: z.boolean(),
  /** Whether its body was parsed when it was made, so that no search_path matters to it. */
  parsed: z.boolean(),
  /** Whether it has a search_path of its own. */
  pinsSearchPath: z.boolean(),
  /** Whether its body says search_path, as one does that sets it. */
  saysSearchPath: z.boolean(),
});

export type DatabaseFunction = z.output<typeof functionSchema>;

/** Reads the functions and procedures that belong to no extension. */
export function readFunctions(queries: Queries): Promise<DatabaseFunction[]> {
  return queries.rows(functions, functionSchema);
}

const functions: Sql = sql`
  SELECT n.nspname::text AS schema,
         p.proname::text AS name,
         pg_get_function_identity_arguments(p.oid) AS arguments,
         pg_get_functiondef(p.oid) AS definition,
         p.oid::regprocedure::text AS signature,
         pg_get_userbyid(p.proowner)::text AS owner,
         pg_has_role(p.proowner, 'USAGE') AS "mayAlter",
         p.prosecdef AS "securityDefiner",
         p.prosqlbody IS NOT NULL AS parsed,
         EXISTS (SELECT
                   FROM unnest(p.proconfig) AS setting
                  WHERE setting LIKE 'search\\_path=%') AS "pinsSearchPath",
         p.prosrc ~* 'search_path' AS "saysSearchPath"
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE p.prokind IN ('f', 'p')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenantry')
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass
                        AND d.objid = p.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, p.proname, arguments
`;
