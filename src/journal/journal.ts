import { z } from "zod";
import { type Fingerprint, fingerprintSchema } from "../catalog/fingerprint/fingerprint.ts";
import type { Queries, Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { relationNameSchema } from "../steps/model/relation-name.ts";
import {
  guardSchema,
  isLater,
  personaSchema,
  type RunName,
  runNameSchema,
} from "../steps/model/stage.ts";
import { checkSchema, type Step } from "../steps/model/step.ts";
import { tenancySchema } from "../steps/model/tenancy.ts";
import { rowsOf } from "./rows.ts";
import { incompatible, journalExists } from "./schema.ts";
import { insertSteps, type StepCost } from "./steps.ts";

const runSchema = z.object({
  id: z.coerce.number(),
  stage: runNameSchema,
  title: z.string(),
  state: z.enum(["running", "applied", "rolling back", "rolled back"]),
  planDigest: z.string(),
  tenantryVersion: z.string(),
  startedBy: z.string(),
  startedAt: z.date(),
  finishedAt: z.date().nullable(),
  backupFolder: z.string(),
  gitTag: z.string().nullable(),
  tenancy: tenancySchema,
  fences: z.array(z.object({ relation: relationNameSchema, label: z.string() })),
  personas: z.array(personaSchema),
  criteria: z.array(checkSchema),
  guards: z.array(guardSchema),
});

/** A run of a stage as the journal holds it. */
export type Run = z.output<typeof runSchema>;

/** What a new run is journaled with. */
export type NewRun = {
  readonly stage: RunName;
  readonly title: string;
  readonly planDigest: string;
  readonly tenantryVersion: string;
  readonly backupFolder: string;
  readonly gitTag: string | null;
  readonly fingerprint: Fingerprint;
  readonly tenancy: Run["tenancy"];
  readonly fences: Run["fences"];
  readonly personas: Run["personas"];
  readonly criteria: Run["criteria"];
  readonly guards: Run["guards"];
  readonly steps: readonly Step[];
  /** What a rehearsal measured of the steps, by their ids. */
  readonly predicted: Readonly<Record<string, StepCost>>;
};

const selectRuns: Sql = sql`
  SELECT id,
         stage,
         title,
         state,
         plan_digest AS "planDigest",
         tenantry_version AS "tenantryVersion",
         started_by AS "startedBy",
         started_at AS "startedAt",
         finished_at AS "finishedAt",
         backup_folder AS "backupFolder",
         git_tag AS "gitTag",
         tenancy,
         fences,
         personas,
         criteria,
         guards
    FROM tenantry.run
`;

/**
 * The runs, oldest first; none where there is no journal yet.
 * @throws AppError JOURNAL_INCOMPATIBLE
 */
export async function readRuns(session: Queries): Promise<Run[]> {
  if (!(await journalExists(session))) return [];
  return rowsOf(session, "run", sql`${selectRuns} ORDER BY id`, runSchema);
}

/** The runs of tables that came after their stages, and that are not rolled back, in their order. */
export function laterRuns(runs: readonly Run[]): readonly Run[] {
  return runs.filter(({ stage, state }) => isLater(stage) && state !== "rolled back");
}

/** The run of a stage that is running, applied or rolling back, or undefined. */
export async function runInForce(session: Session, stage: RunName): Promise<Run | undefined> {
  return (await readRuns(session)).findLast(
    (run) => run.stage === stage && run.state !== "rolled back",
  );
}

/** The schema's fingerprint from before the run. */
export async function readFingerprintBefore(session: Session, runId: number): Promise<Fingerprint> {
  const [row] = await rowsOf(
    session,
    "run",
    sql`SELECT fingerprint FROM tenantry.run WHERE id = ${runId}`,
    z.object({ fingerprint: fingerprintSchema }),
  );
  if (row === undefined) throw incompatible(`lacks its run ${runId}`);
  return row.fingerprint;
}

/** The schema's fingerprint after the run; undefined until it is applied. */
export async function readFingerprintAfter(
  session: Session,
  runId: number,
): Promise<Fingerprint | undefined> {
  const [row] = await rowsOf(
    session,
    "run",
    sql`SELECT fingerprint_after AS fingerprint FROM tenantry.run WHERE id = ${runId}`,
    z.object({ fingerprint: fingerprintSchema.nullable() }),
  );
  return row?.fingerprint ?? undefined;
}

/** Records the schema's fingerprint after the run. */
export async function recordFingerprintAfter(
  queries: Queries,
  runId: number,
  fingerprint: Fingerprint,
): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.run
       SET fingerprint_after = ${JSON.stringify(fingerprint)}::jsonb
     WHERE id = ${runId}
  `);
}

/** Journals a run with all of its steps and their inverses, before the first of them runs. */
export async function beginRun(queries: Queries, run: NewRun): Promise<number> {
  const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;
  const [row] = await queries.rows(
    sql`
      INSERT INTO tenantry.run (stage, title, state, plan_digest, tenantry_version, backup_folder,
                                git_tag, fingerprint, tenancy, fences, personas, criteria, guards)
      VALUES (${run.stage}, ${run.title}, 'running', ${run.planDigest}, ${run.tenantryVersion},
              ${run.backupFolder}, ${run.gitTag}, ${json(run.fingerprint)}, ${json(run.tenancy)}, ${json(run.fences)},
              ${json(run.personas)}, ${json(run.criteria)}, ${json(run.guards)})
      RETURNING id
    `,
    z.object({ id: z.coerce.number() }),
  );
  if (row === undefined) throw new Error("INSERT INTO tenantry.run returned no row");
  await insertSteps(queries, row.id, run);
  return row.id;
}

/** Sets the state of a run. */
export async function setRunState(
  queries: Queries,
  runId: number,
  state: Run["state"],
): Promise<void> {
  await queries.execute(sql`
    UPDATE tenantry.run
       SET state = ${state},
           finished_at = CASE WHEN ${state} IN ('applied', 'rolled back') THEN clock_timestamp() END
     WHERE id = ${runId}
  `);
}
