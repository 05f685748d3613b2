import { z } from "zod";
import type { Routines } from "../../catalog/routines/routine.ts";
import type { Snapshot } from "../../catalog/snapshot.ts";
import type { Fault, ResolvedSettings } from "../../config/settings.ts";
import type { RelationName, Some } from "../../postgres/sql.ts";
import type { RemoteCall } from "../definer/proposal.ts";
import type { Application } from "./application.ts";
import type { Kept } from "./kept.ts";
import { type Check, type Step, sqlSchema } from "./step.ts";
import type { TablePlan } from "./table-plan.ts";
import type { Tenancy } from "./tenancy.ts";

export const stageNames = ["day1", "day2", "day3"] as const;
export type StageName = (typeof stageNames)[number];

/** A run that fences tables which came after their stage: `later1`, `later2`, … */
export type LaterName = `later${number}`;

/** What the journal has a run of: a stage, or tables that came later. */
export type RunName = StageName | LaterName;

export const runNameSchema = z.union([
  z.enum(stageNames),
  z.templateLiteral(["later", z.int().min(1)]),
]);

/** Whether a run is of tables that came later. */
export function isLater(name: RunName): name is LaterName {
  return !stageNames.some((stage) => stage === name);
}

/** The command that runs, or resumes, a stage or tables that came later. */
export function commandOf(name: RunName): string {
  return isLater(name) ? "tenantry fence" : `tenantry run --stage ${name}`;
}

/** What a stage plans from: plain data, without any connection. */
export type StageContext = {
  readonly settings: ResolvedSettings;
  readonly snapshot: Snapshot;
  readonly tenancy: Tenancy;
  readonly tables: { readonly day1: readonly TablePlan[]; readonly day2: readonly TablePlan[] };
  /** For tables that came later: what concerns none of them is not hardened again. */
  readonly only?: readonly RelationName[] | undefined;
  /** What a rollback saved, where the stage is run again with it. */
  readonly kept?: Kept | undefined;
  /** The changes to the application's files, where Day 3 makes them. */
  readonly application?: Application | undefined;
  /** The database's functions, and what they are reached through; read for Day 3. */
  readonly routines?: Routines | undefined;
  /** The application's calls of functions; undefined where its code was not read. */
  readonly calls?: readonly RemoteCall[] | undefined;
};

export const guardSchema = z.object({
  claim: z.string(),
  because: z.string(),
  violations: sqlSchema,
  /**
   * All that the violations are some of, a row each, with the column `violation` and facts in others.
   * Journals of earlier versions do not have it.
   */
  lost: z.object({ of: z.string(), rows: sqlSchema }).exactOptional(),
});

/** What must be true before a stage is undone: a query that returns the reasons against it. */
export type Guard = z.output<typeof guardSchema>;

export const personaSchema = z.object({
  name: z.string(),
  memberships: z
    .array(z.object({ organization: z.string(), role: z.enum(["owner", "admin", "member"]) }))
    .readonly(),
});

/** Who takes part in the isolation proof of a stage. */
export type Persona = z.output<typeof personaSchema>;

export type Stage<Name extends RunName = StageName> = {
  readonly name: Name;
  readonly title: string;
  readonly steps: (context: StageContext) => readonly Step[];
  /** The tables that this stage fences, which its isolation proof tries. */
  readonly fences: (context: StageContext) => readonly TablePlan[];
  readonly personas: Some<Persona>;
  /** Checks at the end of the stage, in addition to those of its steps. */
  readonly criteria: (context: StageContext) => readonly Check[];
  /** What this stage does not do of the plan's day. */
  readonly leavesOut: (context: StageContext) => readonly string[];
  /** Faults of the configuration, in addition to those of its tables. */
  readonly faults: (context: StageContext) => readonly Fault[];
  /** What must be true before the stage is undone. */
  readonly guards: (context: StageContext) => Some<Guard>;
};
