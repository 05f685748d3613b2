import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type RelationName, sql } from "../postgres/sql.ts";
import { relationNameSchema } from "../steps/model/relation-name.ts";
import { journalExists } from "./schema.ts";

/** How a table is fenced: it has the organization, is shared for reading, or has a row for each user. */
export type FencedAs = "tenant table" | "shared table" | "profile";

export type FencedTable = { readonly relation: RelationName; readonly as: FencedAs };

/** The tables whose last step is applied and not undone; partitions are part of their table. */
export async function readFencedTables(queries: Queries): Promise<readonly FencedTable[]> {
  if (!(await journalExists(queries))) return [];
  const rows = await queries.rows(
    sql`
      SELECT step.definition -> 'table' AS relation,
             CASE split_part(step.id, '/', -1)
               WHEN 'share' THEN 'shared table'
               WHEN 'profile' THEN 'profile'
               ELSE 'tenant table'
             END AS "as"
        FROM tenantry.step
        JOIN tenantry.run ON run.id = step.run_id
       WHERE step.state = 'applied'
         AND run.state <> 'rolled back'
         AND split_part(step.id, '/', -1) IN ('fence', 'all-at-once', 'share', 'profile')
         AND NOT step.definition ? 'partitionOf'
       ORDER BY step.run_id,
                step.position
    `,
    z.object({
      relation: relationNameSchema,
      as: z.enum(["tenant table", "shared table", "profile"]),
    }),
  );
  return rows;
}
