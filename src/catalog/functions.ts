import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { isUserSchema } from "./system-schemas.ts";

const functionSchema = z.object({
  schema: z.string(),
  name: z.string(),
  arguments: z.string(),
  /** The CREATE OR REPLACE statement. */
  definition: z.string(),
  /** Its name and argument types, for ALTER ROUTINE. */
  signature: z.string(),
  owner: z.string(),
  mayAlter: z.boolean(),
  securityDefiner: z.boolean(),
  /** Whether its body was parsed at creation (BEGIN ATOMIC), so that search_path has no effect. */
  parsed: z.boolean(),
  /** Whether it has SET search_path. */
  pinsSearchPath: z.boolean(),
  /** Whether its body contains `search_path`, as it does to set it. */
  saysSearchPath: z.boolean(),
});

export type DatabaseFunction = z.output<typeof functionSchema>;

/** Reads functions and procedures, without those of extensions. */
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
     AND ${isUserSchema(sql`n.nspname`)}
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass
                        AND d.objid = p.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, p.proname, arguments
`;
