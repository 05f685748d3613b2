import { z } from "zod";
import { formatRelationName } from "../../config/relation-name.ts";
import { type ResolvedSettings, requestRoles } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql, textOf } from "../../postgres/sql.ts";
import type { Fence } from "./trial.ts";

/**
 * The partitions of fenced tables, at every level, that requests can read or write by their own names:
 * there the parent's policies do not apply. It includes partitions that were attached after the stage.
 */
export async function reachablePartitions(
  queries: Queries,
  settings: ResolvedSettings,
  fences: readonly Fence[],
): Promise<Fence[]> {
  const roles = [...requestRoles(settings)];
  const partitions = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name
        FROM unnest(${fences.map(({ relation }) => textOf(ident(relation)))}::text[]) AS fenced (name)
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(fenced.name)) AS tree
        JOIN pg_class c ON c.oid = tree.relid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE tree.level > 0
         AND EXISTS (SELECT
                       FROM pg_roles r
                      WHERE r.rolname = ANY (${roles}::text[])
                        AND has_schema_privilege(r.oid, n.oid, 'USAGE')
                        AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                             OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')))
       ORDER BY 1, 2
    `,
    z.object({ schema: z.string(), name: z.string() }),
  );
  return partitions.map((relation) => ({
    relation,
    label: formatRelationName(relation, settings.schema),
    isPartition: true,
  }));
}
