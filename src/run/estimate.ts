import { z } from "zod";
import { relationKey } from "../config/relation-name.ts";
import type { Queries } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import type { StepOutline } from "../steps/model/step.ts";

/**
 * Milliseconds that steps took for each megabyte of their table, and for each step, on two cores with a
 * disk that syncs (`npm run bench -- time-left`). Another machine is slower or faster for all of them
 * alike: the first steps of a run show by how much.
 */
const perMegabyte = { batches: 50, online: 5, validation: 3, catalog: 0 } as const;
const perStep = 25;
const megabyte = 1024 * 1024;

/** Estimates the milliseconds of steps from the sizes of their tables, where there was no rehearsal. */
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
 * @returns milliseconds; undefined for a step whose time does not depend on a size
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
    // Gates are commands of the application: a test suite may take seconds or an hour.
    case "application":
      return undefined;
    default:
      return step.mode satisfies never;
  }
}
