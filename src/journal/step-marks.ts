import type { Queries } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import type { StepCost } from "./steps.ts";

/** The key of a step in the journal. */
export type StepKey = { readonly runId: number; readonly position: number };

export async function markRunning(queries: Queries, { runId, position }: StepKey): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET state = 'running',
           started_at = coalesce(started_at, clock_timestamp())
     WHERE run_id = ${runId}
       AND position = ${position}
       AND state IN ('pending', 'running')
  `);
}

export async function markApplied(queries: Queries, { runId, position }: StepKey): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET state = 'applied',
           started_at = coalesce(started_at, clock_timestamp()),
           finished_at = clock_timestamp()
     WHERE run_id = ${runId}
       AND position = ${position}
       AND state IN ('pending', 'running')
  `);
}

/** Records the time of a step, and by how much its table grew. */
export async function recordCost(
  queries: Queries,
  { runId, position }: StepKey,
  { milliseconds, grownBytes }: StepCost,
): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET milliseconds = ${milliseconds},
           grown_bytes = ${grownBytes}
     WHERE run_id = ${runId}
       AND position = ${position}
  `);
}

export async function markVerified(queries: Queries, { runId, position }: StepKey): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET verified_at = clock_timestamp()
     WHERE run_id = ${runId}
       AND position = ${position}
  `);
}

export async function markUndone(queries: Queries, { runId, position }: StepKey): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET state = 'undone',
           undone_at = clock_timestamp()
     WHERE run_id = ${runId}
       AND position = ${position}
  `);
}

/** Marks the steps that a rollback undid as steps to be run. @returns how many they are */
export function markPending(queries: Queries, runId: number): Promise<number> {
  return queries.execute(sql`
    UPDATE tenantry.step
       SET state = 'pending',
           started_at = NULL,
           finished_at = NULL,
           verified_at = NULL,
           undone_at = NULL,
           next_page = 0,
           total_pages = NULL,
           file_node = NULL,
           rows_written = 0
     WHERE run_id = ${runId}
       AND state = 'undone'
  `);
}

/** Starts a backfill at the first page: how many pages it has, of which file. */
export async function startAtFirstPage(
  queries: Queries,
  { runId, position }: StepKey,
  { totalPages, fileNode }: { readonly totalPages: number; readonly fileNode: number },
): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.step
       SET total_pages = ${totalPages},
           file_node = ${fileNode},
           next_page = 0
     WHERE run_id = ${runId}
       AND position = ${position}
  `);
}
