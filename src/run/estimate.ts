import { z } from "zod";
import { relationKey } from "../config/relation-name.ts";
import type { Queries } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import type { StepOutline } from "../steps/model/step.ts";

/**
 * What steps took for each megabyte of their table, and whatever they do, in milliseconds, on two cores
 * with a disk that syncs (`npm run bench -- time-left`). Another machine is slower or faster in all of
 * them alike: the first steps of a run tell by how much.
 */
const perMegabyte = { batches: 50, online: 5, validation: 3, catalog: 0 } as const;
const perStep = 25;
const megabyte = 1024 * 1024;

/** What steps will take where no rehearsal says it, in milliseconds, from the sizes of their tables. */
export async function estimateSteps(
  queries: Queries,
  steps: readonly StepOutline[],
): Promise<readonly (readonly [id: string, milliseconds: number])[]> {
  const tables = steps.flatMap(({ table }) => (table === undefined ? [] : [table]));
  const found = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             pg_table_size(c.oid) AS bytes
        FROM unnest(${tables.map(({ schema }) => schema)}::text[],
                    ${tables.map(({ name }) => name)}::text[]) AS wanted (schema, name)
        JOIN pg_namespace n ON n.nspname = wanted.schema
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
    `,
    z.object({ schema: z.string(), name: z.string(), bytes: z.coerce.number() }),
  );
  const bytesOf = new Map(found.map((table) => [relationKey(table), table.bytes]));
  return steps.flatMap((step) => {
    const bytes = step.table === undefined ? 0 : (bytesOf.get(relationKey(step.table)) ?? 0);
    const milliseconds = estimate(step, bytes);
    return milliseconds === undefined ? [] : [[step.id, milliseconds] as const];
  });
}

/**
 * @param bytes of the step's table, without its indexes
 * @returns milliseconds; undefined where no size says them
 */
export function estimate(step: StepOutline, bytes: number): number | undefined {
  const work = workOf(step);
  return work === undefined
    ? undefined
    : Math.round(perStep + (bytes / megabyte) * perMegabyte[work]);
}

function workOf(step: StepOutline): keyof typeof perMegabyte | undefined {
  switch (step.mode) {
    case "batches":
    case "online":
      return step.mode;
    case "transaction":
      return step.lock.level === "SHARE UPDATE EXCLUSIVE" ? "validation" : "catalog";
    // Its gates take what they take: a test suite may be seconds or an hour.
    case "application":
      return undefined;
    default:
      return step.mode satisfies never;
  }
}
