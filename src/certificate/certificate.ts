import { z } from "zod";
import { fenceEntrySchema } from "../catalog/fence/entry.ts";
import { fenceScopeSchema } from "../catalog/fence/scope.ts";
import { findingSeverities } from "../events/finding.ts";
import { triedCommands, triedOutcome } from "../events/verification.ts";
import { personaSchema, stageNames } from "../steps/model/stage.ts";

/** The form of the content; another one is refused. */
export const certificateFormat = 1;

const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/, "is not a SHA-256 in hexadecimal digits");
const acceptance = z.strictObject({ reason: z.string(), until: z.iso.date() }).nullable();

const claimSchema = z.strictObject({
  of: z.enum(["steps", "isolation", "criteria"]),
  claim: z.string(),
  state: z.enum(["holds", "fails", "not proven"]),
  /** How many rows or attempts contradict it. Their texts may have values of rows, and are left out. */
  contradictions: count,
  /** What could not be tried, without the server's answer, which may have values of rows. */
  notTried: list(z.strictObject({ what: z.string(), accepted: acceptance })),
  /** Of a table that a persona tried. */
  trial: z
    .strictObject({
      table: z.string(),
      persona: z.string(),
      commands: z.record(z.enum(triedCommands), triedOutcome),
    })
    .nullable(),
});

const findingSchema = z.strictObject({
  rule: z.string(),
  severity: z.enum(findingSeverities),
  object: z.string(),
  state: z.enum(["open", "due", "accepted"]),
  /** The stage that ends it, or demands a decision. */
  due: z.enum(stageNames).nullable(),
  accepted: acceptance,
});

/** The schema: a digest for each object, so that one that differs can be named. */
const schemaStateSchema = z.strictObject({
  /** Of the list. */
  digest,
  objects: list(z.strictObject({ object: z.string(), digest })),
});

/** What the fence stands on: names, and a digest for each attribute that is more than on or off. */
const fenceStateSchema = z.strictObject({
  /** Of the entries. */
  digest,
  scope: fenceScopeSchema,
  entries: list(
    z.strictObject({
      ...fenceEntrySchema.pick({ kind: true, object: true, of: true }).shape,
      attributes: list(z.strictObject({ name: z.string(), value: z.string() })),
    }),
  ),
});

/** What a verification tried and found, and of what. It holds names and digests, and no row's values. */
export const contentSchema = z.strictObject({
  format: z.literal(certificateFormat),
  madeAt: z.iso.datetime(),
  tenantry: z.strictObject({
    version: z.string(),
    /** What it looks for: rules of the audit, and known ways to break a fence, which test the detectors. */
    rules: count,
    mutants: count,
  }),
  server: z.strictObject({ version: z.string(), number: count }),
  database: z.strictObject({ name: z.string(), system: z.string() }),
  stage: z.enum(stageNames),
  /** Whether all was tried, all claims hold, and nothing is open that nobody accepted. */
  holds: z.boolean(),
  counts: z.strictObject({
    claims: count,
    hold: count,
    fail: count,
    notProven: count,
    open: count,
    due: count,
    accepted: count,
  }),
  triedBy: z.strictObject({
    /** The role that Tenantry connected as. */
    connected: z.string(),
    /** The role that the application logs in as. */
    login: z.string().nullable(),
    /** The roles that requests run as. */
    requests: list(z.string()),
    identity: z.string(),
    personas: list(personaSchema),
  }),
  claims: list(claimSchema),
  findings: list(findingSchema),
  schema: schemaStateSchema,
  fence: fenceStateSchema,
  /** The fingerprint of the key that signs this content: SHA-256 of its SubjectPublicKeyInfo. */
  signer: digest.nullable(),
});

export type Content = z.output<typeof contentSchema>;

export const certificateSchema = z.strictObject({
  content: contentSchema,
  /** Over the content's canonical JSON. */
  signature: z
    .strictObject({
      algorithm: z.literal("Ed25519"),
      /** SubjectPublicKeyInfo. */
      publicKey: z.base64(),
      value: z.base64(),
    })
    .nullable(),
});

export type Certificate = z.output<typeof certificateSchema>;
export type Signature = NonNullable<Certificate["signature"]>;
