import { z } from "zod";

/**
 * Where a program under test is stopped: before a statement is sent, or once it is on its way. Statements
 * are counted from one, without those that come by a clock.
 */
export const stopSchema = z
  .object({
    at: z.number(),
    phase: z.enum(["before", "sent"]),
    how: z.enum(["kill", "ask"]),
  })
  .nullable();

/** A place in a command at which a fault strikes. */
export type Stop = NonNullable<z.output<typeof stopSchema>>;

/** Renewals of the lease, and questions that are asked again and again: time decides how many come. */
const timed =
  /UPDATE tenantry\.lease SET expires_at = clock_timestamp|pg_blocking_pids|waiting\.transactionid|pg_stat_replication|pg_stat_progress/;

/** Whether time alone decides how often a statement is sent. */
export function isTimed(text: string): boolean {
  return timed.test(text);
}

const querySchema = z.union([
  z.string(),
  z.object({ text: z.string() }).transform(({ text }) => text),
]);

/** A statement as one line. */
export function lineOf(query: unknown): string {
  const text = querySchema.safeParse(query).data ?? "COPY";
  return text.replaceAll(/\s+/g, " ").trim();
}

/** Whether a statement may change something: a fault between two that read leaves the same state. */
export function mayWrite(text: string): boolean {
  if (/^(SELECT|SHOW|SET|WITH)\b/i.test(text)) {
    return /\b(INSERT INTO|UPDATE tenantry|DELETE FROM|FOR UPDATE|FOR KEY SHARE|pg_terminate|pg_export)/.test(
      text,
    );
  }
  return !/^BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY/.test(text);
}
