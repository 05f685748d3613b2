import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql } from "../../postgres/sql.ts";
import type { Step } from "../../steps/model/step.ts";

/**
 * What to say of a step whose partition was dropped or detached since it was planned: retention does
 * that while a stage runs. Undefined where the partition is where it was, and for every other step.
 */
export async function detachedPartition(
  queries: Queries,
  { id, table, partitionOf }: Step,
): Promise<string | undefined> {
  if (table === undefined || partitionOf === undefined) return undefined;
  const root = ident(partitionOf).parts.join("");
  const [found] = await queries.rows(
    sql`
      SELECT to_regclass(${root}) IS NOT NULL
             AND NOT EXISTS (SELECT
                               FROM pg_partition_tree(to_regclass(${root})) AS tree
                              WHERE tree.relid = to_regclass(${ident(table).parts.join("")})) AS left
    `,
    z.object({ left: z.boolean() }),
  );
  if (found?.left !== true) return undefined;
  return `${table.schema}.${table.name} is no partition of ${partitionOf.name} any more: ${id} is passed over`;
}
