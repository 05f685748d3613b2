import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql, textOf } from "../../postgres/sql.ts";
import type { Step } from "../../steps/model/step.ts";

/**
 * Whether the partition of a step was dropped or detached since it was planned, as retention does while
 * a stage runs.
 * @returns a notice that the step is skipped; undefined where it is not
 */
export async function detachedPartition(
  queries: Queries,
  { id, table, partitionOf }: Pick<Step, "id" | "table" | "partitionOf">,
): Promise<string | undefined> {
  if (table === undefined || partitionOf === undefined) return undefined;
  const root = textOf(ident(partitionOf));
  const [found] = await queries.rows(
    sql`
      SELECT to_regclass(${root}) IS NOT NULL
             AND NOT EXISTS (SELECT
                               FROM pg_partition_tree(to_regclass(${root})) AS tree
                              WHERE tree.relid = to_regclass(${textOf(ident(table))})) AS detached
    `,
    z.object({ detached: z.boolean() }),
  );
  if (found?.detached !== true) return undefined;
  return `${id}: skipped, because ${table.schema}.${table.name} is not a partition of ${partitionOf.name} any more`;
}
