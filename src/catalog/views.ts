import { z } from "zod";
import { relationNameSchema } from "../config/relation-name.ts";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { relationOptions } from "./fingerprint/known-options.ts";
import { accessOf, accessSchema } from "./grants.ts";
import { isUserSchema } from "./system-schemas.ts";

const viewSchema = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.enum(["view", "materialized view"]),
  owner: z.string(),
  mayAlter: z.boolean(),
  /** Its documented options, `name=value`, in their order. */
  options: z.array(z.string()),
  /** Whether it has rules besides _RETURN. */
  rules: z.boolean(),
  /** The relations that it reads directly, not through another view. */
  reads: z.array(
    relationNameSchema.extend({
      kind: z.enum(["table", "partitioned table", "view", "materialized view", "foreign table"]),
    }),
  ),
  /** The roles that can read it: directly, through a view on it, or by a refresh. Null for PUBLIC. */
  readers: z.array(z.string().nullable()),
  /** The privileges that these roles lack for the view to work with security_invoker. */
  lacking: z.array(
    relationNameSchema.extend({ role: z.string().nullable(), privilege: z.string() }),
  ),
  /** The materialized views that read it, also through other views. */
  fills: z.array(relationNameSchema.extend({ owner: z.string() })),
  access: z.array(accessSchema),
});

export type View = z.output<typeof viewSchema>;

/** Reads views and materialized views: what they read, and which roles read them. */
export function readViews(queries: Queries): Promise<View[]> {
  return queries.rows(views, viewSchema);
}

/** Whether a view has security_invoker: it reads with the privileges of the current user. */
export function asksAsReader({ options }: View): boolean {
  return options.some((option) => /^security_invoker=(on|true|1|yes)$/i.test(option));
}

const inUserSchema = isUserSchema(sql`n.nspname`);

const views: Sql = sql`
  WITH RECURSIVE reads AS MATERIALIZED (
    SELECT w.ev_class AS view,
           d.refobjid AS relation,
           array_agg(DISTINCT d.refobjsubid) FILTER (WHERE d.refobjsubid <> 0) AS columns,
           -- A whole-row reference has the column number 0 in the query tree of the view.
           bool_or(w.ev_action::text LIKE '%:varattno 0 %') AS rows
      FROM pg_rewrite w
      JOIN pg_class c ON c.oid = w.ev_class AND c.relkind IN ('v', 'm')
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                      AND d.objid = w.oid
                      AND d.refclassid = 'pg_class'::regclass
                      AND d.refobjid <> w.ev_class
      JOIN pg_class b ON b.oid = d.refobjid AND b.relkind IN ('r', 'p', 'v', 'm', 'f')
     -- The ON SELECT rule, _RETURN.
     WHERE w.ev_type = '1'
       AND ${inUserSchema}
     GROUP BY w.ev_class, d.refobjid
  ),
  -- Each view with itself and the views on it. A query on a materialized view does not read what is under it.
  above AS (
    SELECT DISTINCT view, view AS upper
      FROM reads
     UNION
    SELECT above.view, reads.view
      FROM above
      JOIN reads ON reads.relation = above.upper
      JOIN pg_class u ON u.oid = reads.view AND u.relkind = 'v'
  ),
  fills AS (
    SELECT DISTINCT above.view, m.oid AS materialized, m.relowner AS owner
      FROM above
      JOIN reads ON reads.relation = above.upper
      JOIN pg_class m ON m.oid = reads.view AND m.relkind = 'm'
  ),
  asking AS (
    SELECT above.view, acl.grantee AS role, acl.privilege_type AS privilege
      FROM above
      JOIN pg_class u ON u.oid = above.upper
     CROSS JOIN aclexplode(coalesce(u.relacl, acldefault('r', u.relowner))) AS acl
     WHERE acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
     UNION
    SELECT above.view, acl.grantee, acl.privilege_type
      FROM above
      JOIN pg_attribute a ON a.attrelid = above.upper AND NOT a.attisdropped
     CROSS JOIN aclexplode(a.attacl) AS acl
     WHERE acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE')
     UNION
    SELECT view, owner, 'SELECT'
      FROM fills
  ),
  asker AS (
    SELECT asking.*, CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END AS name
      FROM asking
  ),
  -- A write through an updatable view writes to the relation that it reads.
  lacking AS (
    SELECT asker.view, asker.role, asker.privilege, reads.relation
      FROM asker
      JOIN reads ON reads.view = asker.view
     WHERE NOT has_table_privilege(asker.name, reads.relation, asker.privilege)
       AND CASE asker.privilege
             WHEN 'SELECT' THEN reads.rows
                                OR reads.columns IS NULL
                                OR EXISTS (SELECT
                                             FROM unnest(reads.columns) AS part
                                            WHERE NOT has_column_privilege(asker.name, reads.relation, part::smallint, 'SELECT'))
             -- 1 << CmdType of the command.
             WHEN 'UPDATE' THEN pg_relation_is_updatable(asker.view, FALSE) & 4 <> 0
             WHEN 'INSERT' THEN pg_relation_is_updatable(asker.view, FALSE) & 8 <> 0
             WHEN 'DELETE' THEN pg_relation_is_updatable(asker.view, FALSE) & 16 <> 0
           END
  ),
  -- Once for all views: a subquery for each view would scan all of them.
  read_by AS (
    SELECT reads.view,
           json_agg(json_build_object(
             'schema', bn.nspname,
             'name', b.relname,
             'kind', CASE b.relkind
                       WHEN 'r' THEN 'table'
                       WHEN 'p' THEN 'partitioned table'
                       WHEN 'v' THEN 'view'
                       WHEN 'm' THEN 'materialized view'
                       ELSE 'foreign table'
                     END) ORDER BY bn.nspname, b.relname) AS relations
      FROM reads
      JOIN pg_class b ON b.oid = reads.relation
      JOIN pg_namespace bn ON bn.oid = b.relnamespace
     GROUP BY reads.view
  ),
  asked_by AS (
    SELECT asker.view, array_agg(DISTINCT r.rolname::text) AS roles
      FROM asker
      LEFT JOIN pg_roles r ON r.oid = asker.role
     GROUP BY asker.view
  ),
  lacked AS (
    SELECT lacking.view,
           json_agg(json_build_object(
             'schema', bn.nspname,
             'name', b.relname,
             'role', r.rolname,
             'privilege', lacking.privilege) ORDER BY r.rolname, bn.nspname, b.relname, lacking.privilege) AS privileges
      FROM lacking
      JOIN pg_class b ON b.oid = lacking.relation
      JOIN pg_namespace bn ON bn.oid = b.relnamespace
      LEFT JOIN pg_roles r ON r.oid = lacking.role
     GROUP BY lacking.view
  ),
  filled AS (
    SELECT fills.view,
           json_agg(json_build_object(
             'schema', mn.nspname,
             'name', m.relname,
             'owner', pg_get_userbyid(fills.owner)) ORDER BY mn.nspname, m.relname) AS relations
      FROM fills
      JOIN pg_class m ON m.oid = fills.materialized
      JOIN pg_namespace mn ON mn.oid = m.relnamespace
     GROUP BY fills.view
  )
  SELECT n.nspname::text AS schema,
         c.relname::text AS name,
         CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
         pg_get_userbyid(c.relowner)::text AS owner,
         pg_has_role(c.relowner, 'USAGE') AS "mayAlter",
         ARRAY(SELECT o
                 FROM unnest(c.reloptions) WITH ORDINALITY AS u (o, position)
                WHERE split_part(o, '=', 1) = ANY (${relationOptions}::text[])
                ORDER BY position) AS options,
         EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type <> '1') AS rules,
         coalesce(read_by.relations, '[]') AS reads,
         coalesce(asked_by.roles, '{}') AS readers,
         coalesce(lacked.privileges, '[]') AS lacking,
         coalesce(filled.relations, '[]') AS fills,
         ${accessOf("coalesce(c.relacl, acldefault('r', c.relowner))", "c.relowner")} AS access
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN read_by ON read_by.view = c.oid
    LEFT JOIN asked_by ON asked_by.view = c.oid
    LEFT JOIN lacked ON lacked.view = c.oid
    LEFT JOIN filled ON filled.view = c.oid
   WHERE c.relkind IN ('v', 'm')
     AND ${inUserSchema}
     AND NOT EXISTS (SELECT
                       FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = c.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, c.relname
`;
