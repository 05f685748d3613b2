import { z } from "zod";
import type { Snapshot } from "../../catalog/snapshot.ts";
import type { Fault, ResolvedSettings } from "../../config/settings.ts";
import type { Some } from "../../postgres/sql.ts";
import type { Application } from "./application.ts";
import type { Kept } from "./kept.ts";
import { type Check, type Step, sqlSchema } from "./step.ts";
import type { TablePlan } from "./table-plan.ts";
import type { Tenancy } from "./tenancy.ts";

export const stageNames = ["day1", "day2", "day3"] as const;
export type StageName = (typeof stageNames)[number];

/** What a stage plans from: all of it data, nothing that could be asked or changed. */
export type StageContext = {
  readonly settings: ResolvedSettings;
  readonly snapshot: Snapshot;
  readonly tenancy: Tenancy;
  readonly tables: { readonly day1: readonly TablePlan[]; readonly day2: readonly TablePlan[] };
  /** What a rollback kept, where the stage is run again with it. */
  readonly kept?: Kept | undefined;
  /** What the application's files become, where Day 3 changes them. */
  readonly application?: Application | undefined;
};

export const guardSchema = z.object({
  claim: z.string(),
  because: z.string(),
  violations: sqlSchema,
});

/** What must hold before a stage is undone: a query that returns what speaks against it. */
export type Guard = z.output<typeof guardSchema>;

export const personaSchema = z.object({
  name: z.string(),
  memberships: z
    .array(z.object({ organization: z.string(), role: z.enum(["owner", "admin", "member"]) }))
    .readonly(),
});

/** Who takes part in the isolation proof of a stage. */
export type Persona = z.output<typeof personaSchema>;

export type Stage = {
  readonly name: StageName;
  readonly title: string;
  readonly steps: (context: StageContext) => readonly Step[];
  /** The tables that this stage fences, which its isolation proof tries. */
  readonly fences: (context: StageContext) => readonly TablePlan[];
  readonly personas: Some<Persona>;
  /** What must hold at the stage's end beyond the checks of its steps. */
  readonly criteria: (context: StageContext) => readonly Check[];
  /** What of the plan's day this stage does not do, for whoever would believe that it did. */
  readonly leavesOut: (context: StageContext) => readonly string[];
  /** What speaks against the stage as configured, beyond the faults of its tables. */
  readonly faults: (context: StageContext) => readonly Fault[];
  /** What must hold before the stage is undone. */
  readonly guards: (context: StageContext) => Some<Guard>;
};
