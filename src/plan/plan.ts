import { createHash } from "node:crypto";
import type { Snapshot } from "../catalog/snapshot.ts";
import { invalidConfiguration } from "../config/faults.ts";
import { configuredName, type Fault, resolveRoles, type Settings } from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { Application } from "../steps/model/application.ts";
import type { Kept } from "../steps/model/kept.ts";
import type {
  Guard,
  Persona,
  RunName,
  Stage,
  StageContext,
  StageName,
} from "../steps/model/stage.ts";
import type { Check, Step } from "../steps/model/step.ts";
import type { TablePlan } from "../steps/model/table-plan.ts";
import { type Tenancy, tenancyIn } from "../steps/model/tenancy.ts";
import { identityFaults, unlistedTables } from "./faults.ts";
import { rolesLosingRows } from "./roles-losing-rows.ts";
import { resolveTables } from "./tables.ts";

/** One stage as plain data: its steps, the proof, the criteria, and the guards of its rollback. */
export type StagePlan<Name extends RunName = RunName> = {
  readonly stage: Name;
  readonly title: string;
  readonly steps: readonly Step[];
  readonly fences: readonly { readonly relation: RelationName; readonly label: string }[];
  readonly personas: readonly Persona[];
  readonly criteria: readonly Check[];
  readonly guards: readonly Guard[];
  readonly leavesOut: readonly string[];
};

export type Plan<Name extends RunName = StageName> = {
  readonly stages: readonly StagePlan<Name>[];
  readonly tenancy: Tenancy;
  /** Notes for a person, about what may be intended. */
  readonly notices: readonly string[];
  /** SHA-256 of what the stages do to the database. */
  readonly digest: string;
};

/** What a plan needs besides the configuration, the catalog and the stages. */
export type PlanContext = {
  /** The configuration's file, for errors. */
  readonly origin: string;
  /** The row ownership that a rollback saved, to run the stage again with it. */
  readonly kept?: Kept | undefined;
  readonly application?: Application | undefined;
  /** For Day 3: the database's functions, and the application's calls of them. */
  readonly routines?: StageContext["routines"];
  readonly calls?: StageContext["calls"];
};

/**
 * Plans stages. A pure function: the same configuration and catalog give the same plan.
 * @throws AppError CONFIG_INVALID with every fault of the configuration against the catalog
 */
export function planStages<Name extends RunName>(
  settings: Settings,
  snapshot: Snapshot,
  stages: readonly Stage<Name>[],
  given: PlanContext,
): Plan<Name> {
  const { context, skipped, unlisted, faults } = compare(settings, snapshot, stages, given);
  if (faults.length > 0) throw invalidConfiguration(given.origin, faults);

  const { tables, tenancy } = context;
  const planned = stages.map((stage) => planStage(stage, context));
  return {
    stages: planned,
    tenancy,
    notices: [
      ...[...tables.day1, ...tables.day2].flatMap(firedTriggers),
      ...rolesLosingRows(context.settings, snapshot, [...tables.day1, ...tables.day2]),
      ...skipped.map(
        (relation) => `${configuredName(relation, settings)} does not exist and is skipped`,
      ),
      ...(settings.unlistedTables === "warn"
        ? unlisted.map(({ path, fault }) => `${path} ${fault}: its rows stay open to every tenant`)
        : []),
    ],
    digest: digestOf(planned),
  };
}

/** SHA-256 of what planned stages do to the database; a rehearsal is stored under it. */
export function digestOf(planned: readonly StagePlan[]): string {
  const hash = createHash("sha256");
  // One step at a time: the steps of a thousand tables are 15 MB of text.
  for (const { steps, leavesOut: _, ...stage } of planned) {
    hash.update(JSON.stringify(stage));
    for (const step of steps) {
      if (step.mode !== "application") hash.update(JSON.stringify(step));
    }
  }
  return hash.digest("hex");
}

/** Every fault of the configuration against the catalog. */
export function planFaults(
  settings: Settings,
  snapshot: Snapshot,
  stages: readonly Stage<RunName>[],
): readonly Fault[] {
  return compare(settings, snapshot, stages).faults;
}

function compare(
  configured: Settings,
  snapshot: Snapshot,
  stages: readonly Stage<RunName>[],
  { kept, application, routines, calls }: Omit<PlanContext, "origin"> = {},
) {
  const settings = resolveRoles(configured, snapshot.server.usesAnon);
  const tenancy = tenancyIn(settings, snapshot);
  const { tables, skipped, faults } = resolveTables(settings, snapshot, tenancy, kept);
  const unlisted = unlistedTables({ settings, snapshot }).map((relation) => ({
    path: configuredName(relation, settings),
    fault: "is not named in the configuration",
    fix: "name it in day1.tables, day2.tables, sharedTables, profiles or exemptTables",
  }));
  const given = { kept, application, routines, calls };
  const context: StageContext = { settings, snapshot, tenancy, tables, ...given };
  const all: Fault[] = [
    ...identityFaults({ settings, snapshot }),
    ...faults,
    ...(settings.unlistedTables === "error" ? unlisted : []),
    ...stages.flatMap((stage) => stage.faults(context)),
  ];
  return { context, skipped, unlisted, faults: all };
}

/** The application's triggers that a backfill fires, because it cannot disable them. */
function firedTriggers(table: TablePlan): string[] {
  const { updateTriggers, columns } = table.existing;
  const done = columns.some(({ name, notNull }) => name === table.tenancy.column && notNull);
  const silent = table.triggersMayBeSilenced || table.source.kind === "default" || done;
  if (silent || updateTriggers.length === 0) return [];
  return [
    `the backfill of ${table.label} fires its triggers (${updateTriggers.join(", ")}), because this role is not allowed to set session_replication_role`,
  ];
}

function planStage<Name extends RunName>(
  stage: Stage<Name>,
  context: StageContext,
): StagePlan<Name> {
  return {
    stage: stage.name,
    title: stage.title,
    steps: stage.steps(context),
    fences: stage.fences(context).map(({ relation, label }) => ({ relation, label })),
    personas: stage.personas,
    criteria: stage.criteria(context),
    guards: stage.guards(context),
    leavesOut: stage.leavesOut(context),
  };
}
