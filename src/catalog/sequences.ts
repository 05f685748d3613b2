import { z } from "zod";
import { relationNameSchema } from "../config/relation-name.ts";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { accessOf, accessSchema } from "./grants.ts";
import { isUserSchema } from "./system-schemas.ts";

const sequenceSchema = z.object({
  schema: z.string(),
  name: z.string(),
  owner: z.string(),
  mayAlter: z.boolean(),
  /** The table of the column that owns it. */
  table: relationNameSchema,
  access: z.array(accessSchema),
});

export type Sequence = z.output<typeof sequenceSchema>;

/** Reads the sequences that are owned by a column. */
export function readSequences(queries: Queries): Promise<Sequence[]> {
  return queries.rows(sequences, sequenceSchema);
}

const sequences: Sql = sql`
  SELECT n.nspname::text AS schema,
         c.relname::text AS name,
         pg_get_userbyid(c.relowner)::text AS owner,
         pg_has_role(c.relowner, 'USAGE') AS "mayAlter",
         json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
         ${accessOf("coalesce(c.relacl, acldefault('s', c.relowner))", "c.relowner")} AS access
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid
                    AND d.refclassid = 'pg_class'::regclass
                    AND d.deptype IN ('a', 'i')
    JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_namespace tn ON tn.oid = t.relnamespace
   WHERE c.relkind = 'S'
     AND ${isUserSchema(sql`n.nspname`)}
   ORDER BY n.nspname, c.relname
`;
