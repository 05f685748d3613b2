import { z } from "zod";
import { accessSchema } from "../grants.ts";
import type { Body } from "./body.ts";

export const routineSchema = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  /** With its schema and argument types; ALTER ROUTINE accepts it. */
  signature: z.string(),
  /** As `regprocedure` prints it in this session, which findings name. */
  shown: z.string(),
  kind: z.enum(["function", "procedure", "aggregate", "window function"]),
  definition: z.string().nullable(),
  source: z.string(),
  language: z.string(),
  atomic: z.boolean(),
  definer: z.boolean(),
  owner: z.string(),
  /** Whether row-level security does not apply to its owner, whatever the table. */
  ownerBypasses: z.boolean(),
  mayAlter: z.boolean(),
  volatility: z.enum(["i", "s", "v"]),
  strict: z.boolean(),
  /** Its schema and name, quoted where SQL requires it. */
  qualified: z.string(),
  /** The arguments of a call (OUT and TABLE arguments are none), with their position among all, from 1. */
  arguments: z.array(z.object({ name: z.string(), type: z.string(), position: z.number() })),
  /** Whether a call of it returns OUT arguments. */
  hasOut: z.boolean(),
  /** The list of its parameters as CREATE FUNCTION takes it, with defaults. */
  parameters: z.string(),
  /** What it returns as CREATE FUNCTION takes it; null for a procedure. */
  result: z.string().nullable(),
  /** How a call ends: whether it returns several rows, and the names of their columns. */
  returnsSet: z.boolean(),
  columns: z.array(z.string()),
  variadic: z.boolean(),
  returnsTrigger: z.boolean(),
  /** Its SET clauses. */
  settings: z.array(z.string()),
  /** Whether a role of requests has EXECUTE on it, and USAGE on its schema. */
  execute: z.boolean(),
  usage: z.boolean(),
  ofExtension: z.boolean(),
  /** The roles that bypass row-level security, are no superusers, and may call it. */
  keptBy: z.array(z.string()),
  /** Its access list. */
  access: z.array(accessSchema),
});

/** A function, procedure or aggregate, and what its body does. */
export type Routine = z.output<typeof routineSchema> & { readonly body: Body };

export const relationFactsSchema = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  kind: z.enum(["r", "p", "v", "m", "f"]),
  owner: z.string(),
  columns: z.array(z.string()),
  /** Its primary key, where it is one column. */
  key: z.string().nullable(),
  keyType: z.string().nullable(),
  /** Foreign keys of one column, or of one column beside the organization. */
  foreignKeys: z.array(z.object({ column: z.string(), to: z.string(), toColumn: z.string() })),
  rowSecurity: z.boolean(),
  /** What requests may do with it: bits of pg_trigger.tgtype for writes, and 1 for SELECT. */
  privileges: z.number(),
  /** Whether requests can see all of its rows: SELECT, and no row-level security. */
  open: z.boolean(),
});

export type RelationFacts = z.output<typeof relationFactsSchema>;

export const triggerSchema = z.object({
  name: z.string(),
  relation: z.string(),
  routine: z.string(),
  /** The events that fire it: bits of pg_trigger.tgtype. */
  events: z.number(),
});

export type Trigger = z.output<typeof triggerSchema>;

export const linkSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** When `from` leads to `to`: on any use, or only where rows are written. */
  when: z.enum(["used", "written"]),
  /** As what: `default`, `policy "own rows"`, `operator`. */
  as: z.string(),
});

/** One object of the catalog that uses another, each as `pg_proc 16384`. */
export type Link = z.output<typeof linkSchema>;

export const namedSchema = z.object({
  /** As `pg_operator 16384` or `pg_type 16385`. */
  object: z.string(),
  schema: z.string(),
  name: z.string(),
  /** Whether requests can name it. */
  nameable: z.boolean(),
});

/** The functions of a database, and what they are reached through. */
export type Routines = {
  /** The schemas in which a function without SET search_path finds names. */
  readonly searchPath: readonly string[];
  readonly routines: readonly Routine[];
  readonly relations: readonly RelationFacts[];
  readonly triggers: readonly Trigger[];
  readonly links: readonly Link[];
  readonly named: readonly z.output<typeof namedSchema>[];
  /** Built-in functions that bodies call, by name: whether a rollback undoes all that they do. */
  readonly builtIn: readonly { readonly name: string; readonly volatile: boolean }[];
  /** Jobs of pg_cron, where this role can read them. */
  readonly jobs: readonly { readonly name: string; readonly command: string }[];
};

export const [ofSelect, ofInsert, ofDelete, ofUpdate, ofTruncate] = [1, 4, 8, 16, 32];
