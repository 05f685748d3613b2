import { z } from "zod";
import { relationNameSchema } from "../config/relation-name.ts";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { grantSchema } from "./grants.ts";
import { foreignKeySchema, foreignKeys, indexes, indexSchema } from "./keys.ts";
import { isUserSchema } from "./system-schemas.ts";

export type { ForeignKey, Index } from "./keys.ts";

const columnSchema = z.object({
  name: z.string(),
  type: z.string(),
  notNull: z.boolean(),
  default: z.string().nullable(),
});

const policySchema = z.object({
  name: z.string(),
  permissive: z.boolean(),
  /** polcmd of pg_policy: `r`, `a`, `w`, `d`, or `*` for all. */
  command: z.enum(["r", "a", "w", "d", "*"]),
  /** Null for PUBLIC. */
  roles: z.array(z.string()).nullable(),
  /** Its conditions as SQL; names outside pg_catalog have their schema. */
  using: z.string().nullable(),
  check: z.string().nullable(),
  comment: z.string().nullable(),
});

const relationSchema = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.enum(["table", "partitioned table", "view", "materialized view", "foreign table"]),
  owner: z.string(),
  mayAlter: z.boolean(),
  /** Whether it is a parent or a child by INHERITS. */
  inherits: z.boolean(),
  /** The partitioned table that it is directly a partition of. */
  partitionOf: relationNameSchema.nullable(),
  rowSecurity: z.boolean(),
  forceRowSecurity: z.boolean(),
  /** The planner's estimate; null if the table was never analyzed. */
  estimatedRows: z.coerce.number().nullable(),
  /** For a partitioned table, the size of all its partitions. */
  bytes: z.coerce.number(),
  columns: z.array(columnSchema),
  foreignKeys: z.array(foreignKeySchema),
  /** The names of all its constraints. */
  constraints: z.array(z.string()),
  indexes: z.array(indexSchema),
  policies: z.array(policySchema),
  /** What its owner has granted to others. */
  grants: z.array(grantSchema),
  /** The same for single columns. */
  columnGrants: z.array(grantSchema),
  /** The application's enabled triggers that fire on UPDATE. */
  updateTriggers: z.array(z.string()),
});

export type Column = z.output<typeof columnSchema>;
export type Policy = z.output<typeof policySchema>;
export type Relation = z.output<typeof relationSchema>;

/** Reads tables and views with their columns, keys, indexes and policies. */
export function readRelations(queries: Queries): Promise<Relation[]> {
  return queries.rows(relations, relationSchema);
}

const relations: Sql = sql`
  SELECT n.nspname::text AS schema,
         c.relname::text AS name,
         CASE c.relkind
           WHEN 'r' THEN 'table'
           WHEN 'p' THEN 'partitioned table'
           WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized view'
           ELSE 'foreign table'
         END AS kind,
         c.relowner::regrole::text AS owner,
         pg_has_role(c.relowner, 'USAGE') AS "mayAlter",
         EXISTS (SELECT
                   FROM pg_inherits i
                   JOIN pg_class child ON child.oid = i.inhrelid
                  WHERE c.oid IN (i.inhrelid, i.inhparent)
                    AND NOT child.relispartition) AS inherits,
         (SELECT json_build_object('schema', pn.nspname, 'name', p.relname)
            FROM pg_inherits i
            JOIN pg_class p ON p.oid = i.inhparent
            JOIN pg_namespace pn ON pn.oid = p.relnamespace
           WHERE i.inhrelid = c.oid
             AND c.relispartition) AS "partitionOf",
         c.relrowsecurity AS "rowSecurity",
         c.relforcerowsecurity AS "forceRowSecurity",
         CASE c.relkind
           WHEN 'p' THEN (SELECT sum(NULLIF(leaf.reltuples, -1))
                            FROM pg_partition_tree(c.oid) AS tree
                            JOIN pg_class leaf ON leaf.oid = tree.relid
                           WHERE tree.isleaf)
           ELSE NULLIF(c.reltuples, -1)
         END AS "estimatedRows",
         CASE c.relkind
           WHEN 'p' THEN (SELECT coalesce(sum(pg_table_size(tree.relid)), 0)
                            FROM pg_partition_tree(c.oid) AS tree
                           WHERE tree.isleaf)
           WHEN 'r' THEN pg_table_size(c.oid)
           WHEN 'm' THEN pg_table_size(c.oid)
           ELSE 0
         END AS bytes,
         (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname,
                   'type', format_type(a.atttypid, a.atttypmod),
                   'notNull', a.attnotnull,
                   'default', pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum), '[]')
            FROM pg_attribute a
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = c.oid
             AND a.attnum > 0
             AND NOT a.attisdropped) AS columns,
         ${foreignKeys} AS "foreignKeys",
         (SELECT coalesce(json_agg(k.conname ORDER BY k.conname), '[]')
            FROM pg_constraint k
           WHERE k.conrelid = c.oid) AS constraints,
         ${indexes} AS indexes,
         (SELECT coalesce(json_agg(json_build_object(
                   'name', p.polname,
                   'permissive', p.polpermissive,
                   'command', p.polcmd,
                   'roles', CASE
                              WHEN p.polroles <> '{0}'
                              THEN ARRAY(SELECT pg_get_userbyid(role) FROM unnest(p.polroles) AS role ORDER BY 1)
                            END,
                   'using', pg_get_expr(p.polqual, p.polrelid),
                   'check', pg_get_expr(p.polwithcheck, p.polrelid),
                   'comment', obj_description(p.oid, 'pg_policy')) ORDER BY p.polname), '[]')
            FROM pg_policy p
           WHERE p.polrelid = c.oid) AS policies,
         (SELECT coalesce(json_agg(json_build_object(
                   'grantee', g.rolname,
                   'privilege', acl.privilege_type,
                   'grantable', acl.is_grantable) ORDER BY g.rolname, acl.privilege_type), '[]')
            FROM aclexplode(c.relacl) AS acl
            LEFT JOIN pg_roles g ON g.oid = acl.grantee
           WHERE acl.grantor = c.relowner
             AND acl.grantee <> c.relowner) AS grants,
         (SELECT coalesce(json_agg(json_build_object(
                   'column', a.attname,
                   'grantee', g.rolname,
                   'privilege', acl.privilege_type,
                   'grantable', acl.is_grantable) ORDER BY g.rolname, acl.privilege_type, a.attnum), '[]')
            FROM pg_attribute a
           CROSS JOIN aclexplode(a.attacl) AS acl
            LEFT JOIN pg_roles g ON g.oid = acl.grantee
           WHERE a.attrelid = c.oid
             AND NOT a.attisdropped
             AND acl.grantor = c.relowner
             AND acl.grantee <> c.relowner) AS "columnGrants",
         (SELECT coalesce(json_agg(t.tgname ORDER BY t.tgname), '[]')
            FROM pg_trigger t
           WHERE t.tgrelid = c.oid
             AND NOT t.tgisinternal
             AND t.tgenabled <> 'D'
             -- TRIGGER_TYPE_UPDATE
             AND t.tgtype & 16 <> 0) AS "updateTriggers"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND ${isUserSchema(sql`n.nspname`)}
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = c.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, c.relname
`;
