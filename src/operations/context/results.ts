import { z } from "zod";
import { leakNames } from "../../audit/leaks.ts";
import { manifestSchema } from "../../backup/folder/manifest.ts";
import { differingParts } from "../../certificate/check.ts";
import { envelopeSchema } from "../../events/envelope.ts";
import { runEventSchema } from "../../events/events.ts";
import { findingSchema } from "../../events/finding.ts";
import { verificationShape } from "../../events/verification.ts";
import { topicKinds } from "../../explain/explain.ts";
import { rehearsalSchema } from "../../rehearsal/rehearsal.ts";
import { guardSchema, personaSchema, runNameSchema, stageNames } from "../../steps/model/stage.ts";
import { checkSchema, stepSchema } from "../../steps/model/step.ts";
import { tenancySchema } from "../../steps/model/tenancy.ts";
import {
  codeCheckResult,
  codeInventoryResult,
  codeRewriteResult,
  codeScaffoldResult,
} from "../code/results.ts";

const relation = z.object({ schema: z.string(), name: z.string() });
const count = z.number().nullable();
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();

const planResult = z.object({
  kind: z.literal("plan"),
  stages: list(
    z.object({
      stage: runNameSchema,
      title: z.string(),
      steps: list(stepSchema),
      fences: list(z.object({ relation, label: z.string() })),
      personas: list(personaSchema),
      criteria: list(checkSchema),
      guards: list(guardSchema),
      leavesOut: list(z.string()),
    }),
  ),
  tenancy: tenancySchema,
  notices: list(z.string()),
  /** SHA-256 of the stages. */
  digest: z.string(),
});

const stageStatus = z.object({
  stage: z.string(),
  title: z.string(),
  state: z.enum(["not applied", "running", "applied", "rolling back", "rolled back"]),
  applied: z.number(),
  steps: z.number(),
  current: z.string().nullable(),
  startedBy: z.string().nullable(),
  startedAt: z.string().nullable(),
  backup: z.string().nullable(),
});

const statusResult = z.object({
  kind: z.literal("status"),
  database: z.string(),
  /** Of the server. */
  version: z.string(),
  /** Of the database. */
  bytes: z.number(),
  stages: list(stageStatus),
  /** Tables that came after their stage. */
  later: list(stageStatus),
  /** With --steps. */
  steps: list(
    z.object({
      position: z.number(),
      definition: stepSchema,
      state: z.enum(["pending", "running", "applied", "undone"]),
      verified: z.boolean(),
      milliseconds: count,
      grownBytes: count,
      predictedMilliseconds: count,
      predictedBytes: count,
      nextPage: z.number(),
      totalPages: count,
      fileNode: count,
      rowsWritten: z.number(),
    }),
  ).exactOptional(),
  next: z.string(),
});

const backup = z.object({ folder: z.string(), manifest: manifestSchema });

/** What a command was asked for, as its line of JSON has it. */
export const resultSchema = z.discriminatedUnion("kind", [
  planResult,
  statusResult,
  z.object({
    kind: z.literal("audit"),
    findings: list(findingSchema),
  }),
  z.object({
    kind: z.literal("explanation"),
    topics: list(
      z.object({
        topic: z.enum(topicKinds),
        name: z.string(),
        facts: list(z.object({ label: z.string(), text: z.string() })),
      }),
    ),
  }),
  z.object({
    kind: z.literal("self-test"),
    holds: z.boolean(),
    databases: list(
      z.object({
        database: z.enum(["supabase", "plain"]),
        /** Findings before the fence was broken. */
        whole: list(z.string()),
        mutants: z.number(),
        caughtBy: z.object({ audit: z.number(), proof: z.number(), drift: z.number() }),
        survivors: list(z.string()),
        results: list(
          z.object({
            mutant: z.string(),
            leak: z.enum(leakNames),
            audit: list(z.string()),
            proof: list(z.string()),
            drift: list(z.string()),
          }),
        ),
      }),
    ),
    notHeld: list(z.object({ leak: z.enum(leakNames), why: z.string() })),
    milliseconds: z.number(),
  }),
  z.object({
    kind: z.literal("drift"),
    stage: runNameSchema,
    /** What it is compared with: the state that a stage left, or one that was accepted. */
    since: z
      .object({ takenBy: z.string(), takenAt: z.string(), reason: z.string().nullable() })
      .nullable(),
    /** Changes of what the fence stands on. */
    findings: list(findingSchema),
    unproven: list(z.string()),
    /** What changed in the rest of the schema. */
    differences: list(z.string()),
  }),
  z.object({
    kind: z.literal("drift-accepted"),
    stage: runNameSchema,
    reason: z.string(),
    findings: list(findingSchema),
  }),
  z.object({
    kind: z.literal("check"),
    database: z.string(),
    /** How many checks were asked. */
    asked: z.number(),
    findings: list(findingSchema),
    /** What the stages leave open around the fence, unless it is fixed, hardened or accepted. */
    around: list(findingSchema),
  }),
  z.object({
    kind: z.literal("verification"),
    stage: z.enum(stageNames),
    holds: z.boolean(),
    ...verificationShape,
  }),
  z.object({
    kind: z.literal("certificate"),
    file: z.string(),
    holds: z.boolean(),
    /** SHA-256 of the public key; null where it is not signed. */
    signer: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("certificate-checked"),
    file: z.string(),
    holds: z.boolean(),
    stage: z.enum(stageNames),
    madeAt: z.string(),
    signer: z.string().nullable(),
    differences: list(
      z.object({ of: z.enum(differingParts), object: z.string(), fact: z.string() }),
    ),
    remarks: list(z.string()),
  }),
  z.object({ kind: z.literal("rehearsal"), file: z.string(), ...rehearsalSchema.shape }),
  z.object({ kind: z.literal("backup"), ...backup.shape, bytes: z.number() }),
  z.object({ kind: z.literal("backups"), backups: list(backup) }),
  z.object({
    kind: z.literal("backup-verified"),
    holds: z.literal(true),
    folder: z.string(),
    tables: z.number(),
    rows: z.number(),
    bytes: z.number(),
    restoredInto: z.string(),
    milliseconds: z.number(),
    /** What of the schema was not compared. */
    notes: list(z.string()),
  }),
  z.object({
    kind: z.literal("rollback-window"),
    /** Whether a rollback would not be refused. */
    possible: z.boolean(),
    stages: list(runNameSchema),
    refusals: list(z.string()),
    losses: list(
      z.object({
        stage: runNameSchema,
        of: z.string(),
        count: z.number(),
        some: list(z.string()),
        saved: z.boolean(),
      }),
    ),
    differences: list(z.string()),
    /** Of the export. */
    files: list(z.string()),
  }),
  z.object({
    kind: z.literal("restore-loses"),
    database: z.string(),
    /** When the backup was made. */
    since: z.string(),
    tables: list(z.object({ table: z.string(), lost: z.number(), back: z.number() })),
  }),
  z.object({
    kind: z.literal("restored"),
    database: z.string(),
    folder: z.string(),
    /** The database as it was until then; null where there was none. */
    keptAs: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("visible-rows"),
    tables: list(z.string()),
    rows: list(z.object({ user: z.string(), organization: z.string(), counts: list(z.number()) })),
  }),
  z.object({
    kind: z.literal("demo"),
    fingerprintBefore: z.string(),
    fingerprintAfter: z.string(),
    equal: z.boolean(),
    writes: z.number(),
    failed: z.number(),
    longestWaitInMilliseconds: z.number(),
    p99InMilliseconds: z.number(),
  }),
  codeInventoryResult,
  codeRewriteResult,
  codeScaffoldResult,
  codeCheckResult,
  z.object({
    kind: z.literal("guides"),
    written: z.boolean(),
    folder: z.string(),
    files: list(
      z.object({ file: z.string(), fate: z.enum(["new", "updated", "the same", "edited"]) }),
    ),
  }),
  z.object({
    kind: z.literal("error"),
    code: z.string(),
    object: z.string(),
    fault: z.string(),
    state: z.string(),
    next: z.string(),
    details: z.array(z.string()),
    /** With --debug, and in the log. */
    stack: z.string().exactOptional(),
  }),
]);

export type Result = z.input<typeof resultSchema>;
export type ErrorResult = Extract<Result, { kind: "error" }>;

/** Every line that --json prints, and that a log holds. */
export const outputLineSchema = z.intersection(
  envelopeSchema,
  z.discriminatedUnion("kind", [...runEventSchema.options, ...resultSchema.options]),
);
