import {
  functionBody,
  ident,
  literal,
  type RelationName,
  type Sql,
  sql,
  textOf,
} from "../../postgres/sql.ts";
import { none } from "../model/checks.ts";
import type { Check } from "../model/step.ts";
import type { TablePlan } from "../model/table-plan.ts";

/** Whether a policy `p` (pg_policy) is restrictive, for all commands and roles, and asks the helper both ways. */
export function isGuard(helper: RelationName): Sql {
  return sql`NOT p.polpermissive
          AND p.polcmd = '*'
          AND p.polroles = '{0}'
          AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
          AND EXISTS (SELECT FROM pg_depend d
                       WHERE d.classid = 'pg_policy'::regclass
                         AND d.objid = p.oid
                         AND d.refclassid = 'pg_proc'::regclass
                         AND d.refobjid = to_regprocedure(${`${textOf(ident(helper))}()`}))`;
}

/**
 * The check that no partition can be queried directly without a fence: the policies of the parent apply
 * only to queries that name the parent. A partition that is created later has no fence, and needs none
 * as long as requests have no privileges on it.
 */
export function partitionsAreFenced({ relation, label, tenancy, requestRoles }: TablePlan): Check {
  const { callerOrganizations } = tenancy.helpers;
  const forced = tenancy.forceRowSecurity ? sql`AND c.relforcerowsecurity` : sql``;
  return none(
    `every partition of ${label} that requests can reach has a fence`,
    sql`
      SELECT format('%s can reach the partition %I.%I, which has no fence', r.rolname, n.nspname, c.relname) AS violation
        FROM pg_partition_tree(to_regclass(${textOf(ident(relation))})) AS tree
        JOIN pg_class c ON c.oid = tree.relid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles r ON r.rolname = ANY (${[...requestRoles]}::text[])
       WHERE tree.level > 0
         AND has_schema_privilege(r.oid, n.oid, 'USAGE')
         AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
              OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE'))
         AND NOT (c.relrowsecurity ${forced}
                  AND EXISTS (SELECT
                                FROM pg_policy p
                               WHERE p.polrelid = c.oid
                                 AND ${isGuard(callerOrganizations)}))
       ORDER BY 1
    `,
  );
}

/**
 * Drops the fence of partitions that were created later: it has the parent's names, as in the fix that
 * the audit shows. Otherwise their policies would prevent DROP COLUMN. A partition that has policies of
 * its own keeps its row-level security.
 */
export function unfenceLaterPartitions(relation: RelationName, guard: string): Sql {
  const parent = literal(textOf(ident(relation)));
  return sql`DO ${functionBody(sql`
DECLARE
  part regclass;
BEGIN
  FOR part IN
    SELECT p.polrelid
      FROM pg_partition_tree(to_regclass(${parent})) AS tree
      JOIN pg_policy p ON p.polrelid = tree.relid
     WHERE tree.level > 0
       AND p.polname = ${literal(guard)}
  LOOP
    EXECUTE format('DROP POLICY %I ON %s', ${literal(guard)}, part);
    IF NOT EXISTS (SELECT FROM pg_policy own WHERE own.polrelid = part) THEN
      EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', part);
    END IF;
  END LOOP;
END`)}`;
}
