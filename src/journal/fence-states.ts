import { z } from "zod";
import { type FenceState, fenceStateSchema } from "../catalog/fence/state.ts";
import { type Fingerprint, fingerprintSchema } from "../catalog/fingerprint/fingerprint.ts";
import { type Finding, findingSchema } from "../events/finding.ts";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { rowsOf } from "./rows.ts";

/**
 * States of what the fence stands on: one at the end of each stage, and one whenever changes were
 * accepted. A journal of an earlier version does not have the table until its first state is recorded.
 */
export const fenceStateTable: Sql = sql`CREATE TABLE IF NOT EXISTS tenantry.fence_state (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL REFERENCES tenantry.run (id),
  taken_by text NOT NULL DEFAULT session_user,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Why the changes since the state before were accepted; NULL for the state that a stage left.
  reason text,
  -- The changes that were accepted; where nobody did, those from before the stage began.
  changes jsonb NOT NULL,
  state jsonb NOT NULL,
  -- NULL for the state that a stage left: the run has it.
  fingerprint jsonb
)`;

const recordedSchema = z.object({
  takenBy: z.string(),
  takenAt: z.date(),
  reason: z.string().nullable(),
  /** The changes that were accepted; without a reason, those from before the stage, which nobody did. */
  changes: z.array(findingSchema),
  state: fenceStateSchema,
  /** The schema's; null for the state that a stage left. */
  fingerprint: fingerprintSchema.nullable(),
});

/** A state as the journal holds it. */
export type RecordedFenceState = z.output<typeof recordedSchema>;

/** The last state of a run; undefined where an earlier version of Tenantry applied it. */
export async function readRecordedFenceState(
  queries: Queries,
  runId: number,
): Promise<RecordedFenceState | undefined> {
  const [there] = await queries.rows(
    sql`
      SELECT EXISTS (SELECT
                       FROM pg_class c
                       JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = 'tenantry'
                        AND c.relname = 'fence_state') AS there
    `,
    z.object({ there: z.boolean() }),
  );
  if (there?.there !== true) return undefined;
  const [row] = await rowsOf(
    queries,
    "fence_state",
    sql`
      SELECT taken_by AS "takenBy",
             taken_at AS "takenAt",
             reason,
             changes,
             state,
             fingerprint
        FROM tenantry.fence_state
       WHERE run_id = ${runId}
       ORDER BY id DESC
       LIMIT 1
    `,
    recordedSchema,
  );
  return row;
}

export type NewFenceState = {
  readonly runId: number;
  readonly state: FenceState;
  readonly changes: readonly Finding[];
  /** Undefined for the state that a stage left. */
  readonly acceptance?: { readonly reason: string; readonly fingerprint: Fingerprint };
};

/** Records a state; the states before it stay, as the record of what was accepted. */
export async function recordFenceState(
  queries: Queries,
  { runId, state, changes, acceptance }: NewFenceState,
): Promise<void> {
  await queries.execute(fenceStateTable);
  await queries.execute(sql`
    INSERT INTO tenantry.fence_state (run_id, reason, changes, state, fingerprint)
    VALUES (${runId},
            ${acceptance?.reason ?? null},
            ${JSON.stringify(changes)}::jsonb,
            ${JSON.stringify(state)}::jsonb,
            ${acceptance === undefined ? null : JSON.stringify(acceptance.fingerprint)}::jsonb)
  `);
}
