import { z } from "zod";
import type { RelationName, Some, Sql } from "../../postgres/sql.ts";
import { type FileChange, fileChangeSchema, type Gate, gateSchema } from "./application.ts";
import { type Lane, laneSchema } from "./lanes.ts";
import { relationNameSchema } from "./relation-name.ts";

/** The table locks that a step can take, strongest first, as PostgreSQL names them. */
export const lockLevels = [
  "ACCESS EXCLUSIVE",
  "SHARE ROW EXCLUSIVE",
  "SHARE",
  "SHARE UPDATE EXCLUSIVE",
  "ROW EXCLUSIVE",
] as const;

export type LockLevel = (typeof lockLevels)[number];

/** The strongest lock that a step takes, and on what. */
export type Lock =
  | { readonly level: "none" }
  | { readonly level: LockLevel; readonly on: Some<RelationName> };

/** A query that returns the rows which contradict a claim, each as one text column `violation`. */
export type Check = {
  readonly claim: string;
  readonly violations: Sql;
  /** Whether the claim holds from then on, so that `--verify` asks again. */
  readonly lasting: boolean;
};

/** An object that a step makes under a name of its own: an index that foreign keys may reference, or a foreign key. */
export type MadeObject =
  | { readonly kind: "unique index"; readonly index: RelationName }
  | { readonly kind: "foreign key"; readonly table: RelationName; readonly constraint: string };

/** A statement that cannot be in a transaction: an index that is built concurrently. */
export type Online = {
  readonly up: Sql;
  /** One row `state`: `absent`, `building`, `broken` or `done`. */
  readonly state: Sql;
  /** Removes what a killed build leaves behind. */
  readonly clean: Sql;
};

/** How a step is undone. It is journaled before the step runs, and it may run twice. */
export type Down =
  | {
      readonly kind: "exact";
      /** What is built first, while the application keeps running. */
      readonly prepare?: Online;
      readonly sql: Some<Sql>;
    }
  | { readonly kind: "lossy"; readonly sql: Some<Sql>; readonly loses: string }
  | { readonly kind: "covered"; readonly by: string }
  /** Of files: what the step changed in them, and nothing that was changed since. */
  | { readonly kind: "changes reversed" };

type Common = {
  /** Unique in the whole plan: `day1/leads/index`. */
  readonly id: string;
  readonly title: string;
  readonly table?: RelationName;
  /** The tenant table that `table` is a partition of. A step of a partition that was detached is skipped. */
  readonly partitionOf?: RelationName;
  /** Steps of different lanes may run at the same time; a step without a lane runs alone. */
  readonly lane?: Lane;
  readonly lock: Lock;
  /** What others may make depend on it, so that a rollback looks for it first. */
  readonly makes?: readonly MadeObject[];
  readonly down: Down;
};

type Verified = { readonly verify: Some<Check> };

/** The statements that undo a step: none where undoing another step undoes it too, and for files. */
export function statementsOf(down: Down): readonly Sql[] {
  switch (down.kind) {
    case "exact":
    case "lossy":
      return down.sql;
    case "covered":
    case "changes reversed":
      return [];
    default:
      return down satisfies never;
  }
}

/** Runs in one transaction together with its journal row. */
export type TransactionStep = Common &
  Verified & {
    readonly mode: "transaction";
    readonly up: Some<Sql>;
  };

/** Runs outside any transaction. */
export type OnlineStep = Common & Verified & Online & { readonly mode: "online" };

/** Runs over ranges of pages, each committed with its cursor. */
export type BatchesStep = Common &
  Verified & {
    readonly mode: "batches";
    readonly table: RelationName;
    /** Its two values are the first page and the one behind the last, as tid. */
    readonly up: Sql;
    /** Whether the application's triggers are kept from firing for rows that the backfill writes. */
    readonly silencesTriggers: boolean;
  };

/** Changes the application's files; what verifies it are the application's own gates, after it. */
export type ApplicationStep = Common & {
  readonly mode: "application";
  readonly changes: readonly FileChange[];
  readonly gates: readonly Gate[];
};

export type DatabaseStep = TransactionStep | OnlineStep | BatchesStep;

/** The smallest thing that is applied, verified, checkpointed and undone. Plain data. */
export type Step = DatabaseStep | ApplicationStep;

/** A step without its statements: what to show of it, and what it may run at the same time as. */
export type StepOutline = Pick<
  Step,
  "id" | "title" | "mode" | "table" | "partitionOf" | "lane" | "lock"
>;

/** What the database is asked after a step. */
export function checksOf(step: Step): readonly Check[] {
  return step.mode === "application" ? [] : step.verify;
}

const sqlValueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.string()).readonly(),
]);
export const sqlSchema = z.object({
  parts: z.array(z.string()).min(1).readonly(),
  values: z.array(sqlValueSchema).readonly(),
});
const some = <Item extends z.ZodType>(item: Item) => z.tuple([item], item).readonly();

export const checkSchema = z.object({
  claim: z.string(),
  violations: sqlSchema,
  lasting: z.boolean(),
});

const onlineSchema = z.object({ up: sqlSchema, state: sqlSchema, clean: sqlSchema });

export const downSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("exact"),
    prepare: onlineSchema.exactOptional(),
    sql: some(sqlSchema),
  }),
  z.object({ kind: z.literal("lossy"), sql: some(sqlSchema), loses: z.string() }),
  z.object({ kind: z.literal("covered"), by: z.string() }),
  z.object({ kind: z.literal("changes reversed") }),
]);

const lockSchema = z.discriminatedUnion("level", [
  z.object({ level: z.literal("none") }),
  z.object({ level: z.enum(lockLevels), on: some(relationNameSchema) }),
]);

export const madeObjectSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("unique index"), index: relationNameSchema }),
  z.object({
    kind: z.literal("foreign key"),
    table: relationNameSchema,
    constraint: z.string(),
  }),
]);

const outline = {
  id: z.string(),
  title: z.string(),
  partitionOf: relationNameSchema.exactOptional(),
  lane: laneSchema.exactOptional(),
  lock: lockSchema,
};
const common = {
  ...outline,
  // Journals of earlier versions do not have it.
  makes: z.array(madeObjectSchema).readonly().exactOptional(),
  down: downSchema,
};
const verified = { verify: some(checkSchema) };

/** Reads the outline of a step back from the journal. */
export const stepOutlineSchema = z.object({
  ...outline,
  mode: z.enum(["transaction", "online", "batches", "application"]),
  table: relationNameSchema.exactOptional(),
});

/** Reads a step back from the journal. */
export const stepSchema = z.discriminatedUnion("mode", [
  z.object({
    ...common,
    ...verified,
    mode: z.literal("transaction"),
    table: relationNameSchema.exactOptional(),
    up: some(sqlSchema),
  }),
  z.object({
    ...common,
    ...verified,
    mode: z.literal("online"),
    table: relationNameSchema.exactOptional(),
    ...onlineSchema.shape,
  }),
  z.object({
    ...common,
    ...verified,
    mode: z.literal("batches"),
    table: relationNameSchema,
    up: sqlSchema,
    silencesTriggers: z.boolean(),
  }),
  z.object({
    ...common,
    mode: z.literal("application"),
    table: relationNameSchema.exactOptional(),
    changes: z.array(fileChangeSchema).readonly(),
    gates: z.array(gateSchema).readonly(),
  }),
]);
