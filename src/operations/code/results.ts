import { z } from "zod";
import { findingSchema, sourcePlaceSchema } from "../../events/finding.ts";

const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
const part = z.enum(["app", "functions"]);
const condition = z.string().nullable();

const finding = findingSchema.unwrap().extend({ place: sourcePlaceSchema });
const left = finding.extend({ reason: z.string() });

const entry = z.object({
  what: z.enum(["chain", "rpc", "invocation", "storage", "subscription", "cache", "sql", "other"]),
  file: z.string(),
  line: z.number(),
  column: z.number(),
  part,
  name: z.string(),
  resolved: z.boolean(),
  operation: z.string().nullable(),
  client: z.enum(["user-key", "service-role", "unknown"]).nullable(),
  clientFrom: z.string().nullable(),
  payload: z.string().nullable(),
  filters: list(z.object({ method: z.string(), column: z.string().nullable(), when: condition })),
  embeds: list(z.string()),
  later: list(
    z.object({
      line: z.number(),
      calls: list(z.string()),
      when: condition,
      discarded: z.boolean(),
    }),
  ),
  state: z.string(),
  reason: z.string().nullable(),
});

/** What `tenantry code list` found. */
export const codeInventoryResult = z.object({
  kind: z.literal("code-inventory"),
  files: z.number(),
  entries: list(entry),
  annotations: list(
    z.object({ file: z.string(), line: z.number(), reason: z.string().nullable() }),
  ),
});

/** What `tenantry code rewrite` changed or would change, and what it left. */
export const codeRewriteResult = z.object({
  kind: z.literal("code-rewrite"),
  written: z.boolean(),
  files: list(z.object({ file: z.string(), edits: z.number() })),
  /** One unified diff of all files. */
  diff: z.string(),
  findings: list(left),
});

/** What `tenantry code scaffold` created or would create, and what a person must do. */
export const codeScaffoldResult = z.object({
  kind: z.literal("code-scaffold"),
  written: z.boolean(),
  files: list(z.object({ file: z.string(), isNew: z.boolean() })),
  kept: list(z.object({ file: z.string(), same: z.boolean() })),
  left: list(z.string()),
  /** One unified diff of all files. */
  diff: z.string(),
});

/** What `tenantry code check` found. */
export const codeCheckResult = z.object({
  kind: z.literal("code-check"),
  files: z.number(),
  chains: z.number(),
  fenced: z.number(),
  findings: list(finding),
});
