import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { isUserSchema } from "../system-schemas.ts";
import {
  type Link,
  linkSchema,
  namedSchema,
  type RelationFacts,
  type Routines,
  relationFactsSchema,
  type Trigger,
  triggerSchema,
} from "./routine.ts";

const userSchema = isUserSchema(sql`n.nspname`);

/** Reads the relations that bodies may name, with what requests may do with them. */
export function readRelationFacts(
  queries: Queries,
  roles: readonly string[],
): Promise<RelationFacts[]> {
  return queries.rows(
    sql`
      SELECT c.oid::text AS oid,
             n.nspname::text AS schema,
             c.relname::text AS name,
             c.relkind::text AS kind,
             pg_get_userbyid(c.relowner)::text AS owner,
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
             (SELECT format_type(a.atttypid, a.atttypmod)
                FROM pg_index i
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid
                 AND i.indisprimary
                 AND i.indnkeyatts = 1) AS "keyType",
             (SELECT a.attname::text
                FROM pg_index i
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid
                 AND i.indisprimary
                 AND i.indnkeyatts = 1) AS key,
             (SELECT coalesce(json_agg(json_build_object('column', a.attname, 'to', k.confrelid::text, 'toColumn', r.attname) ORDER BY k.conname), '[]')
                FROM pg_constraint k
               CROSS JOIN unnest(k.conkey, k.confkey) AS pair (own, other)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = pair.own
                JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = pair.other
               WHERE k.conrelid = c.oid
                 AND k.contype = 'f') AS "foreignKeys",
             c.relrowsecurity AS "rowSecurity",
             coalesce(granted.bits, 0) AS privileges,
             NOT c.relrowsecurity AND c.relkind IN ('r', 'p') AND coalesce(granted.whole, FALSE) AS open
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN LATERAL (
          SELECT bit_or(CASE WHEN has_any_column_privilege(api.role, c.oid, 'SELECT') THEN 1 ELSE 0 END
                        + CASE WHEN has_any_column_privilege(api.role, c.oid, 'INSERT') THEN 4 ELSE 0 END
                        + CASE WHEN has_table_privilege(api.role, c.oid, 'DELETE') THEN 8 ELSE 0 END
                        + CASE WHEN has_any_column_privilege(api.role, c.oid, 'UPDATE') THEN 16 ELSE 0 END
                        + CASE WHEN has_table_privilege(api.role, c.oid, 'TRUNCATE') THEN 32 ELSE 0 END) AS bits,
                 bool_and(has_table_privilege(api.role, c.oid, 'SELECT')) AS whole
            FROM unnest(${[...roles]}::text[]) AS api (role)
           WHERE has_schema_privilege(api.role, n.oid, 'USAGE')
        ) AS granted ON TRUE
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
         AND ${userSchema}
    `,
    relationFactsSchema,
  );
}

/** Reads the enabled triggers that are not those of foreign keys. */
export function readTriggers(queries: Queries): Promise<Trigger[]> {
  return queries.rows(
    sql`
      SELECT t.tgname::text AS name,
             t.tgrelid::text AS relation,
             t.tgfoid::text AS routine,
             t.tgtype & 60 AS events
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE NOT t.tgisinternal
         AND t.tgenabled <> 'D'
         AND ${userSchema}
       ORDER BY 1, 2
    `,
    triggerSchema,
  );
}

/** The object that a part of it belongs to: the relation of a default, say. */
const hosts: Sql = sql`
  SELECT 'pg_rewrite'::regclass AS class, oid, 'pg_class' AS host, ev_class AS id,
         CASE WHEN ev_type = '1' THEN 'used' ELSE 'written' END AS "when",
         CASE WHEN ev_type = '1' THEN 'the view' ELSE format('the rule %I of', rulename) END AS part
    FROM pg_rewrite
   UNION ALL
  SELECT 'pg_attrdef'::regclass, d.oid, 'pg_class', d.adrelid, 'written',
         CASE WHEN a.attgenerated = '' THEN format('the default of %I of', a.attname) ELSE format('the generated column %I of', a.attname) END
    FROM pg_attrdef d
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
   UNION ALL
  SELECT 'pg_constraint'::regclass, oid,
         CASE WHEN contypid <> 0 THEN 'pg_type' ELSE 'pg_class' END,
         CASE WHEN contypid <> 0 THEN contypid ELSE conrelid END,
         CASE WHEN contypid <> 0 THEN 'used' ELSE 'written' END,
         format('the constraint %I of', conname)
    FROM pg_constraint
   WHERE contype = 'c'
      OR contypid <> 0
   UNION ALL
  SELECT 'pg_policy'::regclass, oid, 'pg_class', polrelid, 'used', format('the policy %I of', polname)
    FROM pg_policy
   UNION ALL
  SELECT 'pg_class'::regclass, indexrelid, 'pg_class', indrelid, 'written', format('the index %s of', indexrelid::regclass)
    FROM pg_index
   UNION ALL
  SELECT 'pg_cast'::regclass, oid, 'pg_type', castsource, 'used', 'a cast from'
    FROM pg_cast
   UNION ALL
  SELECT 'pg_cast'::regclass, oid, 'pg_type', casttarget, 'used', 'a cast to'
    FROM pg_cast
   UNION ALL
  SELECT 'pg_amproc'::regclass, oid, 'pg_opfamily', amprocfamily, 'used', 'the operator class'
    FROM pg_amproc
   UNION ALL
  SELECT 'pg_amop'::regclass, oid, 'pg_opfamily', amopfamily, 'used', 'the operator class'
    FROM pg_amop
`;

/** Reads which objects use which: relations, functions, types, operators and operator classes. */
export function readLinks(queries: Queries): Promise<Link[]> {
  return queries.rows(
    sql`
      WITH host AS MATERIALIZED (${hosts})
      SELECT DISTINCT
             coalesce(host.host, d.classid::regclass::text) || ' ' || coalesce(host.id, d.objid) AS "from",
             d.refclassid::regclass::text || ' ' || d.refobjid AS "to",
             coalesce(host."when", CASE WHEN d.classid = 'pg_class'::regclass THEN 'written' ELSE 'used' END) AS "when",
             coalesce(host.part || ' ' || CASE host.host WHEN 'pg_class' THEN host.id::regclass::text WHEN 'pg_type' THEN host.id::regtype::text ELSE '' END,
                      CASE d.classid
                        WHEN 'pg_operator'::regclass THEN format('the operator %s', d.objid::regoperator)
                        WHEN 'pg_proc'::regclass THEN format('the function %s', d.objid::regprocedure)
                        WHEN 'pg_type'::regclass THEN format('the type %s', d.objid::regtype)
                        WHEN 'pg_class'::regclass THEN format('the columns of %s', d.objid::regclass)
                        ELSE 'the operator class'
                      END) AS "as"
        FROM pg_depend d
        LEFT JOIN host ON host.class = d.classid AND host.oid = d.objid
       WHERE (host.oid IS NOT NULL
              OR d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
              OR (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass))
         AND d.refclassid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)
         AND d.deptype IN ('n', 'a', 'i')
         AND (coalesce(host.host, d.classid::regclass::text), coalesce(host.id, d.objid)) <> (d.refclassid::regclass::text, d.refobjid)
    `,
    linkSchema,
  );
}

/** The types and operators, and whether requests can name them: with USAGE on their schemas. */
export function readNamed(
  queries: Queries,
  roles: readonly string[],
): Promise<Routines["named"][number][]> {
  const asking = sql`unnest(${[...roles]}::text[]) AS api (role)`;
  return queries.rows(
    sql`
      SELECT 'pg_operator ' || o.oid AS object,
             n.nspname::text AS schema,
             o.oprname::text AS name,
             EXISTS (SELECT FROM ${asking} WHERE has_schema_privilege(api.role, n.oid, 'USAGE')) AS nameable
        FROM pg_operator o
        JOIN pg_namespace n ON n.oid = o.oprnamespace
       WHERE ${userSchema}
       UNION ALL
      SELECT 'pg_type ' || t.oid,
             n.nspname::text,
             t.typname::text,
             EXISTS (SELECT
                       FROM ${asking}
                      WHERE has_schema_privilege(api.role, n.oid, 'USAGE')
                        AND has_type_privilege(api.role, t.oid, 'USAGE'))
        FROM pg_type t
        JOIN pg_namespace n ON n.oid = t.typnamespace
       WHERE ${userSchema}
         AND t.typtype <> 'c'
    `,
    namedSchema,
  );
}

/** Reads the jobs of pg_cron, where there is one and this role can read them. */
export async function readJobs(queries: Queries): Promise<Routines["jobs"]> {
  const [there] = await queries.rows(
    sql`
      SELECT has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'cron'
         AND c.relname = 'job'
    `,
    z.object({ readable: z.boolean() }),
  );
  if (there?.readable !== true) return [];
  return queries.rows(
    sql`
      SELECT coalesce(jobname, 'job ' || jobid)::text AS name,
             command::text AS command
        FROM cron.job
       ORDER BY jobid
    `,
    z.object({ name: z.string(), command: z.string() }),
  );
}
