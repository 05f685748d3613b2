import { closest } from "fastest-levenshtein";
import { isInTree } from "../../src/catalog/partitions.ts";
import type { ForeignKey, Index } from "../../src/catalog/relations.ts";
import type { Fault } from "../../src/config/settings.ts";
import {
  type CrossingKey,
  nameOrganization,
  organizationKey,
} from "../../src/steps/foreign-key.ts";
import type { Guard, StageContext } from "../../src/steps/stage.ts";
import type { Step } from "../../src/steps/step.ts";
import type { TablePlan } from "../../src/steps/table-plan.ts";
import {
  type CrossingIndex,
  canNameOrganization,
  makeUniquePerOrganization,
  sharedValues,
} from "../../src/steps/unique-constraint.ts";

/** One thing that spans organizations, as the configuration names it. */
type Crossing<What> = {
  readonly name: string;
  readonly what: What;
  /** Why it has to stay as it is. */
  readonly stays: string | undefined;
};

type Part = "foreignKeys" | "uniqueConstraints";

/** Foreign keys and unique constraints that the configuration wants one per organization. */
export function harden(context: StageContext): Step[] {
  const keys = wanted(context, "foreignKeys", crossingKeys(context));
  const indexes = wanted(context, "uniqueConstraints", crossingIndexes(context));
  return [
    ...organizationKeys(keys),
    ...keys.flatMap(nameOrganization),
    ...indexes.flatMap(makeUniquePerOrganization),
  ];
}

/** What speaks against what is named. */
export function hardeningFaults(context: StageContext): Fault[] {
  return [
    ...faultsOf(context, "foreignKeys", crossingKeys(context)),
    ...faultsOf(context, "uniqueConstraints", crossingIndexes(context)),
  ];
}

/** What `all` has to leave as it is, and what nobody asked to be changed. */
export function notHardened(context: StageContext): string[] {
  const parts = [
    { part: "foreignKeys", found: crossingKeys(context) },
    { part: "uniqueConstraints", found: crossingIndexes(context) },
  ] as const;
  return parts.flatMap(({ part, found }) => {
    const asked = context.settings.hardening[part];
    const left = found.filter(({ name, stays }) =>
      asked.includes("all") ? stays !== undefined : !asked.includes(name),
    );
    const reasons = left.map(({ name, stays }) =>
      stays === undefined ? name : `${name} (${stays})`,
    );
    return left.length === 0
      ? []
      : [
          `these span organizations and stay as they are (hardening.${part}): ${reasons.join(", ")}`,
        ];
  });
}

/** What must hold before unique constraints span all organizations again. */
export function hardeningGuards(context: StageContext): Guard[] {
  return wanted(context, "uniqueConstraints", crossingIndexes(context)).map(sharedValues);
}

function wanted<What>(
  { settings }: StageContext,
  part: Part,
  found: readonly Crossing<What>[],
): readonly What[] {
  const asked = settings.hardening[part];
  return found
    .filter(
      ({ name, stays }) => stays === undefined && (asked.includes("all") || asked.includes(name)),
    )
    .map(({ what }) => what);
}

function faultsOf(
  { settings }: StageContext,
  part: Part,
  found: readonly Crossing<unknown>[],
): Fault[] {
  const asked = settings.hardening[part];
  const names = found.map(({ name }) => name);
  return asked
    .filter((name) => name !== "all")
    .flatMap((name) => {
      const path = `hardening.${part}`;
      const one = found.find((crossing) => crossing.name === name);
      if (one?.stays !== undefined) {
        return [{ path, fault: `${name} ${one.stays}`, fix: "take it out of the list" }];
      }
      if (one !== undefined) return [];
      const near = names.length === 0 ? "there are none" : `did you mean ${closest(name, names)}?`;
      return [{ path, fault: `${name} is none that spans organizations`, fix: near }];
    });
}

function tablesOf({ tables }: StageContext): readonly TablePlan[] {
  return [...tables.day1, ...tables.day2];
}

function crossingKeys(context: StageContext): Crossing<CrossingKey>[] {
  const tables = tablesOf(context);
  return tables.flatMap((child) =>
    child.existing.foreignKeys.flatMap((key) => {
      const parent = tables.find(
        ({ relation }) => relation.schema === key.schema && relation.name === key.table,
      );
      if (parent === undefined || key.columns.includes(child.tenancy.column)) return [];
      const what = { key, child, parent };
      return [{ name: `${child.label}.${key.name}`, what, stays: whyKeyStays(context, what) }];
    }),
  );
}

function whyKeyStays(
  { snapshot }: StageContext,
  { key, child, parent }: CrossingKey,
): string | undefined {
  const { onUpdate, onDelete }: ForeignKey = key;
  const sets = (action: ForeignKey["onDelete"]) =>
    action === "SET NULL" || action === "SET DEFAULT";
  if (isInTree(child.existing) || !key.own) return "is of a partition or an inheriting table";
  if (isInTree(parent.existing)) return "references a partitioned table";
  if (!key.valid) return "is NOT VALID: validate it first";
  if (key.matchFull) return "is MATCH FULL, which a column that is never NULL would break";
  if (sets(onUpdate)) return `has ON UPDATE ${onUpdate}, which would take the organization too`;
  if (sets(onDelete) && snapshot.server.version < 150_000) {
    return `has ON DELETE ${onDelete}, which takes the organization too before PostgreSQL 15`;
  }
  return undefined;
}

function crossingIndexes(context: StageContext): Crossing<CrossingIndex>[] {
  return tablesOf(context).flatMap((table) =>
    table.existing.indexes
      .filter(({ unique, primary }) => unique && !primary)
      .filter(({ columns }) => !columns.includes(table.tenancy.column))
      .map((index) => {
        const what = { table, index };
        return { name: `${table.label}.${index.name}`, what, stays: whyIndexStays(what) };
      }),
  );
}

function whyIndexStays(crossing: CrossingIndex): string | undefined {
  const { index, table }: { index: Index; table: TablePlan } = crossing;
  if (isInTree(table.existing)) return "is of a partition or an inheriting table";
  if (index.needed) return "is what a foreign key or replication stands on";
  if (!index.valid) return "is not valid: build it again first";
  if (!canNameOrganization(crossing)) return "has a definition that cannot be read";
  return undefined;
}

/** One for each set of columns that is referenced; what is there already serves. */
function organizationKeys(keys: readonly CrossingKey[]): Step[] {
  const steps = new Map<string, Step>();
  for (const { key, parent } of keys) {
    const columns = [parent.tenancy.column, ...key.referencedColumns];
    const there = parent.existing.indexes.some(
      (index) =>
        index.unique &&
        index.valid &&
        !index.partial &&
        index.columns.length === columns.length &&
        columns.every((column) => index.columns.includes(column)),
    );
    if (there) continue;
    const step = organizationKey(parent, key.referencedColumns);
    steps.set(step.id, step);
  }
  return [...steps.values()];
}
