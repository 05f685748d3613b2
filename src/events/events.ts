import { z } from "zod";
import { laneSchema } from "../steps/model/lanes.ts";
import { runNameSchema } from "../steps/model/stage.ts";
import { verificationSchema } from "./verification.ts";

const namedStepSchema = z.object({
  id: z.string(),
  title: z.string(),
  /** The table as people know it; none for what concerns no single table. */
  table: z.string().nullable(),
});

const stepFactsSchema = namedStepSchema.readonly();

export type StepFacts = z.output<typeof stepFactsSchema>;

/** A step that is to be done, with what it may run beside. */
const stepAheadSchema = namedStepSchema.extend({ lane: laneSchema.exactOptional() }).readonly();

export type StepAhead = z.output<typeof stepAheadSchema>;

const stage = runNameSchema;
const step = stepFactsSchema;
const steps = z.array(stepFactsSchema).readonly();
const milliseconds = z.number();

/** Before or after the application's files were changed. */
const gateWhen = z.enum(["before", "after"]);

/** Everything that happens, as data: shown live, line by line, or as JSON, and kept in the log. */
export const runEventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("notice"), text: z.string() }),
  z.object({
    kind: z.literal("stage-started"),
    stage,
    title: z.string(),
    /** The steps that are left to do. */
    steps: z.array(stepAheadSchema).readonly(),
    /** How many lanes of them go side by side. */
    tablesAtOnce: z.number(),
    resumed: z.boolean(),
    /** Predicted time by step: from a rehearsal, else from the sizes of the tables. */
    predictedMilliseconds: z.record(z.string(), z.number()).readonly(),
  }),
  z.object({ kind: z.literal("backup-started"), stage }),
  z.object({
    kind: z.literal("backup-progress"),
    stage,
    /** Tables whose dump was begun (null if the dump is encrypted), of all; and what is written by now. */
    tables: z.number().nullable(),
    ofTables: z.number(),
    bytes: z.number(),
  }),
  z.object({
    kind: z.literal("backup-finished"),
    stage,
    folder: z.string(),
    bytes: z.number(),
    tag: z.string(),
  }),
  z.object({ kind: z.literal("step-started"), step }),
  z.object({
    kind: z.literal("step-progress"),
    step,
    /** Pages of the table that are done, of those it had at the start. */
    done: z.number(),
    total: z.number(),
    rows: z.number(),
  }),
  z.object({
    kind: z.literal("step-waiting"),
    step,
    /** Who blocks, or what is waited for. */
    reason: z.string(),
    attempt: z.number(),
  }),
  z.object({
    kind: z.literal("step-applied"),
    step,
    milliseconds,
    /** What its table grew by with its indexes; null for a step that has none. */
    grownBytes: z.number().nullable(),
  }),
  z.object({
    kind: z.literal("step-verified"),
    step,
    /** What was asked after the step, and holds. */
    claims: z.array(z.string()).readonly(),
  }),
  z.object({
    kind: z.literal("step-failed"),
    step,
    /** `INTERRUPTED` where it stopped since it was told to, or since another step failed beside it. */
    code: z.string(),
    message: z.string(),
  }),
  z.object({ kind: z.literal("gate-started"), step, gate: z.string(), when: gateWhen }),
  z.object({
    kind: z.literal("gate-finished"),
    step,
    gate: z.string(),
    when: gateWhen,
    holds: z.boolean(),
    milliseconds,
  }),
  z.object({ kind: z.literal("proof-started"), stage }),
  z.object({
    kind: z.literal("proof-progress"),
    stage,
    /** Tables that every persona has tried, of all. */
    tables: z.number(),
    ofTables: z.number(),
  }),
  z.object({ kind: z.literal("stage-verified"), stage, verification: verificationSchema }),
  z.object({
    kind: z.literal("stage-applied"),
    stage,
    milliseconds,
    /** The claims that hold, of all. */
    claims: z.object({ hold: z.number(), of: z.number() }).readonly(),
    /** Ways around the fence that were open before the run, by the rule that finds them. */
    around: z.record(z.string(), z.number()).readonly(),
  }),
  z.object({
    kind: z.literal("stage-failed"),
    stage,
    code: z.string(),
    message: z.string(),
  }),
  z.object({ kind: z.literal("rollback-started"), stage, steps }),
  z.object({ kind: z.literal("step-undone"), step, milliseconds }),
  z.object({
    kind: z.literal("rollback-finished"),
    stage,
    fingerprint: z.enum(["equal", "different"]),
    differences: z.array(z.string()).readonly(),
  }),
  z.object({
    kind: z.literal("interrupted"),
    /** At the first signal the statement under way ends; at the second it is cancelled. */
    cancels: z.boolean(),
  }),
  z.object({
    kind: z.literal("statement"),
    /** The application's name of its session. */
    session: z.string(),
    text: z.string(),
    /** Its parameters; none of them in the log. */
    values: z
      .array(
        z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string()).readonly()]),
      )
      .readonly()
      .exactOptional(),
    milliseconds,
    /** The SQLSTATE that it failed with, or null. */
    failedWith: z.string().nullable(),
  }),
]);

export type RunEvent = z.output<typeof runEventSchema>;

export type Listener = (event: RunEvent) => void;

/** How a step that is to be done is named. */
export function stepAhead(
  step: Parameters<typeof stepFacts>[0] & Pick<StepAhead, "lane">,
): StepAhead {
  return { ...stepFacts(step), ...(step.lane === undefined ? {} : { lane: step.lane }) };
}

/** How a step is named in events. */
export function stepFacts(named: {
  readonly id: string;
  readonly title: string;
  readonly table?: { readonly name: string };
  readonly partitionOf?: { readonly name: string };
}): StepFacts {
  // People know the table that the configuration names.
  const table = named.partitionOf ?? named.table;
  return { id: named.id, title: named.title, table: table?.name ?? null };
}
