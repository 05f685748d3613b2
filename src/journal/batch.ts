import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { leaseLost } from "./lease.ts";
import type { StepKey } from "./step-marks.ts";

/**
 * Updates a batch of rows, moves the cursor of its step and holds the lease (see `holdLease`), all in
 * one statement: rows stay locked for one more round trip only, that of COMMIT.
 * @param fill an UPDATE
 * @param nextPage the first page that is not certainly filled then; another session may have moved the
 *   cursor further
 * @returns the number of rows that were updated
 * @throws AppError LEASE_LOST when another run took the lease
 */
export async function fillBatch(
  queries: Queries,
  { runId, position }: StepKey,
  token: number,
  { fill, nextPage }: { readonly fill: Sql; readonly nextPage: number },
): Promise<number> {
  const [moved] = await queries.rows(
    sql`
      WITH filled AS (
        ${fill}
        RETURNING 1
      )
      UPDATE tenantry.step
         SET next_page = greatest(next_page, ${nextPage}),
             rows_written = rows_written + batch.rows
        FROM (SELECT count(*) AS rows FROM filled) AS batch,
             (SELECT token
                FROM tenantry.lease
               WHERE token = ${token}
                 FOR KEY SHARE) AS held
       WHERE run_id = ${runId}
         AND position = ${position}
   RETURNING batch.rows
    `,
    z.object({ rows: z.coerce.number() }),
  );
  if (moved === undefined) throw leaseLost();
  return moved.rows;
}
