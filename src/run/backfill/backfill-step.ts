import { z } from "zod";
import { AppError } from "../../errors.ts";
import { holdLease } from "../../journal/lease.ts";
import {
  markApplied,
  markRunning,
  type StepKey,
  startAtFirstPage,
} from "../../journal/step-marks.ts";
import type { JournaledStep } from "../../journal/steps.ts";
import type { Session } from "../../postgres/connection.ts";
import { ident, sql } from "../../postgres/sql.ts";
import type { BatchesStep } from "../../steps/model/step.ts";
import type { StepContext } from "../context.ts";
import { type Filling, fillSideBySide } from "./batches.ts";
import { PageRanges } from "./page-ranges.ts";

/**
 * Runs a statement over ranges of pages. Each batch is committed with the cursor, so that a killed
 * backfill continues where it stopped. VACUUM FULL or CLUSTER move rows to other pages: then the
 * backfill starts again from the first page.
 */
export async function runBatches(
  context: StepContext,
  step: BatchesStep,
  key: StepKey,
  journaled: JournaledStep,
): Promise<void> {
  const { session, lease } = context;
  let file = await fileOf(session, step);
  let page = journaled.fileNode === file.fileNode ? journaled.nextPage : 0;
  let rows = journaled.rowsWritten;
  for (;;) {
    await session.transaction(async (queries) => {
      await holdLease(queries, lease.token);
      await markRunning(queries, key);
      if (page === 0) await startAtFirstPage(queries, key, file);
    });
    // A column that was just added has no statistics: the planner would choose bad plans for the batches.
    await session.execute(sql`ANALYZE ${ident(step.table)}`);
    const total = page === 0 ? file.totalPages : (journaled.totalPages ?? file.totalPages);
    const ranges = new PageRanges(page, total);
    const filling: Filling = { step, key, ranges, total, rows };
    await fillSideBySide(context, filling);
    rows = filling.rows;
    const now = await fileOf(session, step);
    if (now.fileNode === file.fileNode) break;
    file = now;
    page = 0;
  }
  await session.transaction(async (queries) => {
    await holdLease(queries, lease.token);
    await markApplied(queries, key);
  });
}

/** @throws AppError STATEMENT_FAILED where the table does not exist any more */
async function fileOf(
  session: Session,
  step: BatchesStep,
): Promise<{ totalPages: number; fileNode: number }> {
  const [row] = await session.rows(
    sql`
      SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint AS "totalPages",
             pg_relation_filenode(c.oid)::bigint AS "fileNode"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${step.table.schema}
         AND c.relname = ${step.table.name}
    `,
    z.object({ totalPages: z.coerce.number(), fileNode: z.coerce.number() }),
  );
  if (row !== undefined) return row;
  throw new AppError({
    code: "STATEMENT_FAILED",
    object: step.id,
    fault: `the table ${step.table.name} does not exist any more: it was dropped or renamed since the plan`,
    state: "the steps before it are checkpointed",
    next: "restore the table, then run tenantry run again to continue; or tenantry rollback undoes the stage",
  });
}
