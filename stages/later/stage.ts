import { noNewOrganization } from "../../rollback/new-organizations.ts";
import { findRelation } from "../../src/catalog/snapshot.ts";
import { relationKey } from "../../src/config/relation-name.ts";
import type { RelationName } from "../../src/postgres/sql.ts";
import type { LaterName, Stage, StageContext } from "../../src/steps/model/stage.ts";
import type { Step } from "../../src/steps/model/step.ts";
import type { TablePlan } from "../../src/steps/model/table-plan.ts";
import { harden, hardeningGuards, notHardened } from "../day3/hardening/index.ts";
import { shareTable } from "../day3/shared-table.ts";
import { testClients } from "../personas.ts";
import { profileFaults, profilesOf, takenProfileNames } from "../profiles.ts";
import { tablesOf, takenNames } from "../tables.ts";

type Later = {
  readonly name: LaterName;
  /** The tables that came after their stage. */
  readonly tables: readonly RelationName[];
  /** Whether Day 3 is applied, whose hardening they get too. */
  readonly hardened: boolean;
};

/** Tables that came after their stage was run: the steps that the stage would have had for them. */
export function laterStage({ name, tables, hardened }: Later): Stage<LaterName> {
  const keys = new Set(tables.map(relationKey));
  const isOwn = ({ relation }: { readonly relation: RelationName }) =>
    keys.has(relationKey(relation));
  const ownOnly = (context: StageContext): StageContext => ({ ...context, only: tables });
  const profiles = ({ settings }: StageContext) => settings.profiles.filter(isOwn);
  const tenantTables = ({ tables: { day1, day2 } }: StageContext): TablePlan[] =>
    [...day1, ...day2].filter(isOwn).map((table) => ({
      ...table,
      stage: name,
      partitions: table.partitions?.map((partition) => ({ ...partition, stage: name })),
    }));
  const hardeningSteps = (context: StageContext): Step[] =>
    harden(ownOnly(context)).map((step) => inRun(name, step));
  return {
    name,
    title: `Tables that came later: ${tables.map((table) => table.name).join(", ")}`,
    steps: (context) => [
      ...tablesOf(context, tenantTables(context)),
      ...profilesOf(context, profiles(context), name),
      ...context.settings.shared
        .filter(isOwn)
        .filter(({ relation }) => findRelation(context.snapshot, relation) !== undefined)
        .map((table) => shareTable(context, table, name)),
      ...(hardened ? hardeningSteps(context) : []),
    ],
    fences: tenantTables,
    personas: testClients,
    criteria: () => [],
    leavesOut: (context) => (hardened ? notHardened(ownOnly(context)) : []),
    faults: (context) => [
      ...takenNames(context, tenantTables(context)),
      ...profileFaults(context),
      ...takenProfileNames(context, profiles(context)),
    ],
    guards: (context) => [
      noNewOrganization(
        context,
        "without their fence, users of one organization see the rows of others in these tables",
      ),
      ...(hardened ? hardeningGuards(ownOnly(context)) : []),
    ],
  };
}

/** Steps of Day 3's hardening have its name in their ids. */
function inRun(name: LaterName, step: Step): Step {
  const renamed = (id: string) => id.replace(/^day3\//, `${name}/`);
  const { down } = step;
  return {
    ...step,
    id: renamed(step.id),
    down: down.kind === "covered" ? { ...down, by: renamed(down.by) } : down,
  };
}
