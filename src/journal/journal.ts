import { z } from "zod";
import { type Fingerprint, fingerprintSchema } from "../catalog/fingerprint.ts";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { guardSchema, personaSchema, type StageName, stageNames } from "../steps/stage.ts";
import { checkSchema, type Step, stepSchema } from "../steps/step.ts";
import { tenancySchema } from "../steps/tenancy.ts";
import { incompatible, journalExists } from "./schema.ts";

const runSchema = z.object({
  id: z.coerce.number(),
  stage: z.enum(stageNames),
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
  fences: z.array(
    z.object({ relation: z.object({ schema: z.string(), name: z.string() }), label: z.string() }),
  ),
  personas: z.array(personaSchema),
  criteria: z.array(checkSchema),
  guards: z.array(guardSchema),
});

/** A run of a stage as the journal holds it. */
export type Run = z.output<typeof runSchema>;

/** The driver hands a bigint over as text. */
const count = z.union([z.number(), z.string().transform(Number)]);

const journaledStepSchema = z
  .object({
    position: z.number(),
    id: z.string(),
    definition: stepSchema,
    state: z.enum(["pending", "running", "applied", "undone"]),
    verified: z.boolean(),
    milliseconds: count.nullable(),
    grownBytes: count.nullable(),
    predictedMilliseconds: count.nullable(),
    predictedBytes: count.nullable(),
    nextPage: z.coerce.number(),
    totalPages: z.coerce.number().nullable(),
    /** The file that the pages are of, until something rewrites the table. */
    fileNode: count.nullable(),
    rowsWritten: z.coerce.number(),
  })
  .refine(({ id, definition }) => id === definition.id, "the definition is another step's")
  .transform(({ id: _id, ...step }) => step);

/** A step of a run, with how far it is. */
export type JournaledStep = Omit<z.output<typeof journaledStepSchema>, "definition"> & {
  readonly definition: Step;
};

/** What a run is begun with. */
export type NewRun = {
  readonly stage: StageName;
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
  /** What a rehearsal says of the steps, by their ids. */
  readonly predicted: Readonly<Record<string, StepCost>>;
};

/** What a step takes: its time, and what its table grows by, where it has one. */
export type StepCost = { readonly milliseconds: number; readonly grownBytes: number | null };

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
 * @throws AppError JOURNAL_INCOMPATIBLE, as whatever reads the journal
 */
export async function readRuns(session: Queries): Promise<Run[]> {
  if (!(await journalExists(session))) return [];
  return rowsOf(session, "run", sql`${selectRuns} ORDER BY id`, runSchema);
}

/** Rows of the journal, which somebody may have edited. */
async function rowsOf<Row extends z.ZodType>(
  session: Queries,
  table: "run" | "step",
  statement: Sql,
  row: Row,
): Promise<z.output<Row>[]> {
  try {
    return await session.rows(statement, row);
  } catch (error) {
    if (error instanceof z.ZodError) {
      const places = z.prettifyError(error).split("\n");
      throw incompatible(`has rows in its table ${table} that Tenantry did not write`, places);
    }
    const undefinedColumn = "42703";
    if (!(error instanceof Error) || sqlState(error) !== undefinedColumn) throw error;
    throw incompatible(`lacks a column of its table ${table}: ${error.message}`);
  }
}

/** The run of a stage that is under way or in force, or undefined. */
export async function runInForce(session: Session, stage: StageName): Promise<Run | undefined> {
  return (await readRuns(session)).findLast(
    (run) => run.stage === stage && run.state !== "rolled back",
  );
}

/** The steps of a run in their order. */
export async function readSteps(session: Session, runId: number): Promise<JournaledStep[]> {
  const steps = await rowsOf(
    session,
    "step",
    sql`
      SELECT position,
             id,
             definition,
             state,
             verified_at IS NOT NULL AS verified,
             milliseconds,
             grown_bytes AS "grownBytes",
             predicted_milliseconds AS "predictedMilliseconds",
             predicted_bytes AS "predictedBytes",
             next_page AS "nextPage",
             total_pages AS "totalPages",
             file_node AS "fileNode",
             rows_written AS "rowsWritten"
        FROM tenantry.step
       WHERE run_id = ${runId}
       ORDER BY position
    `,
    journaledStepSchema,
  );
  const missing = steps.findIndex(({ position }, index) => position !== index + 1);
  if (missing >= 0) throw incompatible(`lacks step ${missing + 1} of its run ${runId}`);
  if (steps.length === 0) await refuseWithoutSteps(session, runId);
  return steps;
}

/** Which of these steps of a run are applied: ids, without the definitions that `readSteps` reads. */
export async function readApplied(
  session: Session,
  runId: number,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await session.rows(
    sql`
      SELECT id
        FROM tenantry.step
       WHERE run_id = ${runId}
         AND id = ANY (${ids}::text[])
         AND state = 'applied'
       ORDER BY position
    `,
    z.object({ id: z.string() }),
  );
  return rows.map(({ id }) => id);
}

/** A stage that is configured to do nothing has no steps; one that fences tables has some. */
async function refuseWithoutSteps(session: Session, runId: number): Promise<void> {
  const fences = z.object({ count: z.number() });
  const [run] = await session.rows(
    sql`SELECT jsonb_array_length(fences) AS count FROM tenantry.run WHERE id = ${runId}`,
    fences,
  );
  if (run === undefined || run.count > 0) throw incompatible(`lacks all steps of its run ${runId}`);
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

/** The schema's fingerprint as the run left it; undefined until it is applied. */
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

/** Keeps the schema's fingerprint as the run left it. */
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
  await queries.execute(sql`
    INSERT INTO tenantry.step (run_id, position, id, definition, predicted_milliseconds, predicted_bytes)
    SELECT ${row.id}::bigint, place, step ->> 'id', step,
           (predicted -> (step ->> 'id') ->> 'milliseconds')::bigint,
           (predicted -> (step ->> 'id') ->> 'grownBytes')::bigint
      FROM jsonb_array_elements(${json(run.steps)}) WITH ORDINALITY AS steps (step, place)
     CROSS JOIN (SELECT ${json(run.predicted)} AS predicted) AS rehearsal
  `);
  return row.id;
}

/** Ends a run, or turns it round. */
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
