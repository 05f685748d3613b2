import { z } from "zod";
import { stageNames } from "../steps/model/stage.ts";
import { evidenceSchema } from "./evidence.ts";

/**
 * How bad a finding is. Checks: `blocking` stops a stage, `advisory` does not. The audit: how many
 * rows of whom are reached, from `critical` to `low`. Rules for code: `error` fails, `warning` does not.
 */
export const findingSeverities = [
  "blocking",
  "critical",
  "error",
  "high",
  "medium",
  "warning",
  "low",
  "advisory",
] as const;

export type FindingSeverity = (typeof findingSeverities)[number];

/** A place in a file of the application; lines and columns begin at 1. */
export const sourcePlaceSchema = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
});

/** Accepted by name in the configuration, until a day. */
export const acceptanceSchema = z.object({ reason: z.string(), until: z.string() }).readonly();

/** One problem, found by a check, a rule of the audit, the proof, or a rule for code. */
export const findingSchema = z
  .object({
    /** Of the check or rule: `standby`. */
    id: z.string(),
    /** Of the check or rule, in words. */
    title: z.string(),
    severity: z.enum(findingSeverities),
    /** What it was found in, as SQL or the application names it. */
    object: z.string(),
    fact: z.string(),
    /** Why it matters. */
    why: z.string(),
    /** The command, the SQL or the action that fixes it. */
    fix: z.string(),
    place: sourcePlaceSchema.readonly().exactOptional(),
    evidence: evidenceSchema.exactOptional(),
    accepted: acceptanceSchema.exactOptional(),
    /** The setting of the configuration with which Day 3 ends it. */
    hardening: z.string().exactOptional(),
    /** The stage ahead that ends it by itself, or demands a decision; until then it is no failure. */
    due: z
      .object({ stage: z.enum(stageNames), decision: z.boolean() })
      .readonly()
      .exactOptional(),
  })
  .readonly();

export type Finding = z.output<typeof findingSchema>;

/** How many findings there are, by their ids. */
export function countById(findings: readonly Pick<Finding, "id">[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { id } of findings) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

/** Such counts as `definer-view (2), materialized-view (1)`. */
export function listCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([id, count]) => `${id} (${count})`)
    .join(", ");
}
