import { z } from "zod";
import type { Queries, Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { type Step, type StepOutline, stepOutlineSchema, stepSchema } from "../steps/model/step.ts";
import { rowsOf } from "./rows.ts";
import { incompatible } from "./schema.ts";

/** The steps that one statement reads or writes: those of a thousand tables have 15 MB. */
const pageLength = 100;
const outlinesLength = 500;

/** What a step costs: its time, and by how much its table grows, where it has one. */
export type StepCost = { readonly milliseconds: number; readonly grownBytes: number | null };

/** The driver returns a bigint as text. */
const count = z.union([z.number(), z.string().transform(Number)]);

const progressShape = {
  position: z.number(),
  id: z.string(),
  state: z.enum(["pending", "running", "applied", "undone"]),
  verified: z.boolean(),
  milliseconds: count.nullable(),
  grownBytes: count.nullable(),
  predictedMilliseconds: count.nullable(),
  predictedBytes: count.nullable(),
  nextPage: z.coerce.number(),
  totalPages: z.coerce.number().nullable(),
  /** The file that the pages belong to, until something rewrites the table. */
  fileNode: count.nullable(),
  rowsWritten: z.coerce.number(),
};

const progress: Sql = sql`
  position,
  id,
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
`;

type Identified = { readonly id: string; readonly definition: { readonly id: string } };
const ownDefinition = ({ id, definition }: Identified): boolean => id === definition.id;
const ofAnother = "the definition belongs to another step";

const journaledStepSchema = z
  .object({ ...progressShape, definition: stepSchema })
  .refine(ownDefinition, ofAnother)
  .transform(({ id: _id, ...step }) => step);

const journaledOutlineSchema = z
  .object({ ...progressShape, definition: stepOutlineSchema })
  .refine(ownDefinition, ofAnother)
  .transform(({ id: _id, ...step }) => step);

/** A step of a run, with its progress. */
export type JournaledStep = Omit<z.output<typeof journaledStepSchema>, "definition"> & {
  readonly definition: Step;
};

/** The same without its statements, of which a run of many tables has many megabytes. */
export type JournaledOutline = Omit<JournaledStep, "definition"> & {
  readonly definition: StepOutline;
};

/** The steps of a run in their order, without their statements. */
export async function readOutlines(session: Session, runId: number): Promise<JournaledOutline[]> {
  const steps: JournaledOutline[] = [];
  let page: JournaledOutline[];
  do {
    page = await rowsOf(
      session,
      "step",
      sql`
        SELECT ${progress},
               CASE
                 -- Somebody may have written anything else there, which has no such keys.
                 WHEN jsonb_typeof(definition) = 'object'
                 THEN definition - ARRAY['up', 'state', 'clean', 'down', 'verify', 'makes', 'changes', 'gates']
                 ELSE definition
               END AS definition
          FROM tenantry.step
         WHERE run_id = ${runId}
           AND position > ${steps.at(-1)?.position ?? 0}
         ORDER BY position
         LIMIT ${outlinesLength}
      `,
      journaledOutlineSchema,
    );
    steps.push(...page);
  } while (page.length === outlinesLength);
  const missing = steps.findIndex(({ position }, index) => position !== index + 1);
  if (missing >= 0) throw incompatible(`lacks step ${missing + 1} of its run ${runId}`);
  if (steps.length === 0) await refuseWithoutSteps(session, runId);
  return steps;
}

/** All steps of a run in their order, with their statements. */
export async function readSteps(session: Session, runId: number): Promise<JournaledStep[]> {
  const steps: JournaledStep[] = [];
  for await (const step of eachStep(session, runId)) steps.push(step);
  return steps;
}

/** The steps of a run one by one, in their order; no more than a page of them is in memory. */
export async function* eachStep(session: Session, runId: number): AsyncGenerator<JournaledStep> {
  const outlines = await readOutlines(session, runId);
  const read = stepReader(session, runId, outlines);
  for (const { position } of outlines) yield await read(position);
}

/**
 * Reads all steps of a run, and returns them without their statements.
 * @throws AppError JOURNAL_INCOMPATIBLE where one of them cannot be run or undone
 */
export async function verifySteps(session: Session, runId: number): Promise<JournaledOutline[]> {
  const outlines = await readOutlines(session, runId);
  const read = stepReader(session, runId, outlines);
  for (const { position } of outlines) await read(position);
  return outlines;
}

/**
 * Reads steps of a run by their position, a page at a time: the step that is asked for together with
 * those that follow it in this order.
 */
export function stepReader(
  session: Session,
  runId: number,
  order: readonly Pick<JournaledOutline, "position">[],
): (position: number) => Promise<JournaledStep> {
  const positions = order.map(({ position }) => position);
  let page = new Map<number, JournaledStep>();
  return async (position) => {
    if (!page.has(position)) {
      const from = positions.indexOf(position);
      const following = positions.slice(from, from + pageLength);
      page = new Map((await readPage(session, runId, following)).map((one) => [one.position, one]));
    }
    const step = page.get(position);
    if (step === undefined) throw incompatible(`lacks step ${position} of its run ${runId}`);
    page.delete(position);
    return step;
  };
}

function readPage(
  session: Session,
  runId: number,
  positions: readonly number[],
): Promise<JournaledStep[]> {
  return rowsOf(
    session,
    "step",
    sql`
      SELECT ${progress},
             definition
        FROM tenantry.step
       WHERE run_id = ${runId}
         AND position = ANY (${positions.map(String)}::integer[])
    `,
    journaledStepSchema,
  );
}

/** The ids of those of these steps that are applied. */
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

/** A run without steps is right only where the stage fences no table. */
async function refuseWithoutSteps(session: Session, runId: number): Promise<void> {
  const fences = z.object({ count: z.number() });
  const [run] = await session.rows(
    sql`SELECT jsonb_array_length(fences) AS count FROM tenantry.run WHERE id = ${runId}`,
    fences,
  );
  if (run === undefined || run.count > 0) throw incompatible(`lacks all steps of its run ${runId}`);
}

/** Journals the steps of a run, a page at a time, with what a rehearsal measured of them. */
export async function insertSteps(
  queries: Queries,
  runId: number,
  run: {
    readonly steps: readonly Step[];
    readonly predicted: Readonly<Record<string, StepCost>>;
  },
): Promise<void> {
  const { steps, predicted } = run;
  for (let before = 0; before < steps.length; before += pageLength) {
    const page = steps
      .slice(before, before + pageLength)
      .map((step) => ({ step, predicted: predicted[step.id] ?? null }));
    await queries.execute(sql`
      INSERT INTO tenantry.step (run_id, position, id, definition, predicted_milliseconds, predicted_bytes)
      SELECT ${runId}::bigint, ${before}::integer + place, item -> 'step' ->> 'id', item -> 'step',
             (item -> 'predicted' ->> 'milliseconds')::bigint,
             (item -> 'predicted' ->> 'grownBytes')::bigint
        FROM jsonb_array_elements(${JSON.stringify(page)}::jsonb) WITH ORDINALITY AS page (item, place)
    `);
  }
}
