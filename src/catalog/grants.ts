import { z } from "zod";
import { raw, type Sql, sql } from "../postgres/sql.ts";

export const grantSchema = z.object({
  /** Null for PUBLIC. */
  grantee: z.string().nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
  /** The column; absent for the whole object. */
  column: z.string().exactOptional(),
});

export type Grant = z.output<typeof grantSchema>;

/** A grant in an object's access list (ACL), with those of its owner. */
export const accessSchema = grantSchema.extend({
  /** Whether its owner granted it; roles with the grant option can grant it too. */
  fromOwner: z.boolean(),
  /** The roles that have it by membership in the grantee. */
  members: z.array(z.string()),
});

export type Access = z.output<typeof accessSchema>;

/** An access list (SQL that is not null) as JSON. @param owner SQL for its owner's oid */
export function accessOf(list: string, owner: string): Sql {
  return sql`(SELECT coalesce(json_agg(json_build_object(
                   'grantee', g.rolname,
                   'privilege', acl.privilege_type,
                   'grantable', acl.is_grantable,
                   'fromOwner', acl.grantor = ${raw(owner)},
                   'members', ARRAY(SELECT m.rolname
                                      FROM pg_roles m
                                     WHERE acl.grantee <> 0
                                       AND m.oid <> acl.grantee
                                       AND NOT m.rolsuper
                                       AND pg_has_role(m.oid, acl.grantee, 'USAGE')
                                     ORDER BY m.rolname)) ORDER BY g.rolname, acl.privilege_type), '[]')
            FROM aclexplode(${raw(list)}) AS acl
            LEFT JOIN pg_roles g ON g.oid = acl.grantee)`;
}
