import { partitionsOf } from "../catalog/partitions.ts";
import type { Relation } from "../catalog/relations.ts";
import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import {
  configuredName,
  type Fault,
  type ResolvedSettings,
  requestRoles,
  type TenantTable,
} from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { Kept } from "../steps/model/kept.ts";
import type { ResolvedSource } from "../steps/model/sources.ts";
import type { PartitionPlan, SourceKey, TablePlan } from "../steps/model/table-plan.ts";
import type { Tenancy } from "../steps/model/tenancy.ts";
import { bypassingGrants } from "../steps/privileges/grants.ts";
import { missingTable, ownPoliciesFaults, tenantTableFaults } from "./faults.ts";

type Day = "day1" | "day2";

export type ResolvedTables = {
  readonly tables: { readonly day1: readonly TablePlan[]; readonly day2: readonly TablePlan[] };
  readonly skipped: readonly RelationName[];
  readonly faults: readonly Fault[];
};

/** Up to so many users, grouping the memberships takes some milliseconds; a batch takes about 60. */
const fewestManyUsers = 10_000;

/** Finds each configured table in the catalog, resolves its source, and sorts parents before children. */
export function resolveTables(
  settings: ResolvedSettings,
  snapshot: Snapshot,
  tenancy: Tenancy,
  kept?: Kept,
): ResolvedTables {
  const compared = { settings, snapshot };
  const faults: Fault[] = [];
  const skipped: RelationName[] = [];
  const dayOf = new Map<string, Day>();
  for (const day of ["day1", "day2"] as const) {
    for (const { relation } of settings.tables[day]) dayOf.set(relationKey(relation), day);
  }

  const users = findRelation(snapshot, settings.users.relation)?.estimatedRows ?? null;
  const fewUsers = users !== null && users <= fewestManyUsers;

  const resolve = (day: Day): TablePlan[] =>
    settings.tables[day].flatMap((table) => {
      const label = configuredName(table.relation, settings);
      const path = `${day}.tables.${label}`;
      const existing = findRelation(snapshot, table.relation);
      if (existing === undefined) {
        if (settings.missingTables === "skip") skipped.push(table.relation);
        else faults.push(missingTable(table.relation, path, compared));
        return [];
      }
      const own = tenantTableFaults(table, existing, path, compared);
      faults.push(...own);
      const source =
        own.length > 0
          ? undefined
          : resolveSource(table, existing, { day, dayOf, fewUsers, tenancy });
      if (source === undefined) return [];
      if ("fault" in source) {
        faults.push({ path, ...source });
        return [];
      }
      const { triggersMayBeSilenced } = snapshot;
      const roles = requestRoles(settings);
      const plan: TablePlan = {
        ...{
          stage: day,
          setting: path,
          label,
          existing,
          tenancy,
          triggersMayBeSilenced,
          ...table,
          source,
        },
        sourceKeys: sourceKeys(source, existing, { day, dayOf, fewUsers, tenancy }),
        searchPath: snapshot.server.searchPath,
        requestRoles: roles,
        bypassing: bypassingGrants(existing, roles),
        kept: kept?.tables.find(
          ({ relation }) => relationKey(relation) === relationKey(table.relation),
        ),
      };
      return [{ ...plan, partitions: partitionPlans(plan, settings, snapshot) }];
    });

  faults.push(...ownPoliciesFaults(compared));
  const day1 = parentsFirst(resolve("day1"), faults);
  const day2 = parentsFirst(resolve("day2"), faults);
  return { tables: { day1, day2 }, skipped, faults };
}

/** The partitions of a table, for their steps; undefined if it is not partitioned. */
function partitionPlans(
  table: TablePlan,
  settings: ResolvedSettings,
  snapshot: Snapshot,
): readonly PartitionPlan[] | undefined {
  if (table.existing.kind !== "partitioned table") return undefined;
  return partitionsOf(snapshot.relations, table.relation).flatMap((existing) => {
    const { schema, name, partitionOf } = existing;
    if (partitionOf === null) return [];
    const relation = { schema, name };
    return [
      {
        ...{ ...table, existing, relation, partitionOf },
        label: configuredName(relation, settings),
        root: table.relation,
        rootLabel: table.label,
        bypassing: bypassingGrants(existing, table.requestRoles),
      },
    ];
  });
}

/** What a table's source is resolved with, besides the table. */
type SourceContext = {
  readonly day: Day;
  /** The day of every tenant table, by its `relationKey`. */
  readonly dayOf: ReadonlyMap<string, Day>;
  readonly fewUsers: boolean;
  readonly tenancy: Tenancy;
};

function resolveSource(
  { source }: TenantTable,
  existing: Relation,
  { day, dayOf, fewUsers, tenancy }: SourceContext,
): ResolvedSource | Omit<Fault, "path"> {
  if (source.kind === "user") return { ...source, fewUsers };
  if (source.kind !== "via") return source;
  // A hardened key includes the organization. A key that references a partitioned table has a copy in
  // the catalog for each partition.
  const key = existing.foreignKeys.find(({ columns, own }) => {
    const others = columns.filter((name) => name !== tenancy.column);
    return own && others.length === 1 && others[0] === source.column;
  });
  const parentColumn = key?.referencedColumns[key.columns.indexOf(source.column)];
  if (key === undefined || parentColumn === undefined) {
    return {
      fault: `has no foreign key on the single column ${source.column}`,
      fix: "name a column with a foreign key to the parent, or use the source { sql }",
    };
  }
  const parent = { schema: key.schema, name: key.table };
  const parentDay = dayOf.get(relationKey(parent));
  if (parentDay === undefined || (day === "day1" && parentDay === "day2")) {
    const when =
      parentDay === undefined ? "is not a tenant table" : "becomes a tenant table on Day 2";
    return {
      fault: `gets its organization via ${source.column} from ${key.table}, which ${when}`,
      fix: `name ${key.table} in ${day}.tables or an earlier day`,
    };
  }
  return { kind: "via", column: source.column, parent, parentColumn };
}

/** The foreign keys on which a row's organization depends. */
function sourceKeys(
  source: ResolvedSource,
  existing: Relation,
  { day, dayOf, tenancy }: SourceContext,
): readonly SourceKey[] {
  const own = existing.foreignKeys.filter((key) => key.own);
  const isTenant = ({ schema, table }: (typeof own)[number]) => {
    const of = dayOf.get(relationKey({ schema, name: table }));
    return of !== undefined && of <= day;
  };
  const tenants = own
    .filter((key) => isTenant(key) && !key.columns.includes(tenancy.column))
    .map((key) => ({ key, belongs: "by its organization" }) as const);
  const on = (column: string) => (key: (typeof own)[number]) =>
    key.columns.length === 1 && key.columns[0] === column;
  switch (source.kind) {
    case "default":
      return [];
    case "via":
      return tenants.filter(({ key }) => on(source.column)(key));
    case "user":
      return own
        .filter((key) => on(source.column)(key))
        .map((key) => ({ key, belongs: isTenant(key) ? "by its organization" : "by memberships" }));
    case "sql":
      // The expression may use any of them.
      return tenants;
    default:
      return source satisfies never;
  }
}

/** Depth first along `via`. A cycle is a fault: none of its tables could be first. */
function parentsFirst(tables: readonly TablePlan[], faults: Fault[]): TablePlan[] {
  const byKey = new Map(tables.map((table) => [relationKey(table.relation), table]));
  const ordered = new Set<TablePlan>();
  const visit = (table: TablePlan, below: readonly TablePlan[]): void => {
    if (ordered.has(table)) return;
    const selfReference =
      table.source.kind === "via" &&
      relationKey(table.source.parent) === relationKey(table.relation);
    if (below.includes(table) || selfReference) {
      faults.push({
        path: table.setting,
        fault: `gets its organization from itself, through ${[...below, table].map(({ label }) => label).join(" → ")}`,
        fix: "give one of these tables another source",
      });
      ordered.add(table);
      return;
    }
    const parent =
      table.source.kind === "via" ? byKey.get(relationKey(table.source.parent)) : undefined;
    if (parent !== undefined) visit(parent, [...below, table]);
    ordered.add(table);
  };
  for (const table of tables) visit(table, []);
  return [...ordered];
}
