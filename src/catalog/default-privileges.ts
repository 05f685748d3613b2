import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { grantSchema } from "./grants.ts";

const defaultPrivilegesSchema = z.object({
  /** The role whose new tables get these grants. */
  role: z.string(),
  /** Null for every schema. */
  schema: z.string().nullable(),
  mayAlter: z.boolean(),
  grants: z.array(grantSchema),
});

/** What a role grants to others on every table that it creates. */
export type DefaultPrivileges = z.output<typeof defaultPrivilegesSchema>;

/** Reads the default privileges on new tables, without those of the role itself. */
export function readDefaultPrivileges(queries: Queries): Promise<DefaultPrivileges[]> {
  return queries.rows(defaultPrivileges, defaultPrivilegesSchema);
}

const defaultPrivileges: Sql = sql`
  SELECT pg_get_userbyid(d.defaclrole)::text AS role,
         n.nspname::text AS schema,
         pg_has_role(d.defaclrole, 'USAGE') AS "mayAlter",
         (SELECT coalesce(json_agg(json_build_object(
                   'grantee', g.rolname,
                   'privilege', acl.privilege_type,
                   'grantable', acl.is_grantable) ORDER BY g.rolname, acl.privilege_type), '[]')
            FROM aclexplode(d.defaclacl) AS acl
            LEFT JOIN pg_roles g ON g.oid = acl.grantee
           WHERE acl.grantee <> d.defaclrole) AS grants
    FROM pg_default_acl d
    LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
   WHERE d.defaclobjtype = 'r'
   ORDER BY 1, 2 NULLS FIRST
`;
