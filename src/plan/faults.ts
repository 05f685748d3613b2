import { closest } from "fastest-levenshtein";
import { partitionsOf } from "../catalog/partitions.ts";
import type { Relation } from "../catalog/relations.ts";
import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import { configuredName, type Fault, type Settings, type TenantTable } from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";

/** A configuration and the catalog that it is compared with. */
export type Compared = { readonly settings: Settings; readonly snapshot: Snapshot };

/** The fault of a table that does not exist, with the nearest name that does. */
export function missingTable(
  relation: RelationName,
  path: string,
  { settings, snapshot }: Compared,
): Fault {
  const names = snapshot.relations.map((existing) => configuredName(existing, settings));
  const near =
    names.length === 0
      ? ""
      : `did you mean ${closest(configuredName(relation, settings), names)}? or `;
  return {
    path,
    fault: "no such table in the database",
    fix: `${near}set missingTables: "skip"`,
  };
}

/** Why this relation cannot become a tenant table. */
export function tenantTableFaults(
  table: TenantTable,
  existing: Relation,
  path: string,
  compared: Compared,
): Fault[] {
  const { settings } = compared;
  const faults =
    existing.kind === "partitioned table"
      ? treeFaults(existing, path, compared)
      : ownershipFaults(existing, path);
  const add = (fault: string, fix: string) => faults.push({ path, fault, fix });
  const column = existing.columns.find(({ name }) => name === settings.names.organizationColumn);
  if (column !== undefined && column.type !== "uuid") {
    add(
      `has a column ${column.name} of type ${column.type}`,
      "set names.organizationColumn to another name",
    );
  }
  const { source } = table;
  if (source.kind === "via" || source.kind === "user") {
    const columns = existing.columns.map(({ name }) => name);
    if (!columns.includes(source.column)) {
      add(`has no column ${source.column}`, `did you mean ${closest(source.column, columns)}?`);
    }
  }
  return faults;
}

/** Why tables of sharedTables or profiles cannot get their policies. */
export function ownPoliciesFaults(compared: Compared): Fault[] {
  const { settings, snapshot } = compared;
  const named = [
    ...settings.shared.map(({ relation }) => ({ relation, setting: "sharedTables" })),
    ...settings.profiles.map(({ relation }) => ({ relation, setting: "profiles" })),
  ];
  return named.flatMap(({ relation, setting }) => {
    const path = `${setting}.${configuredName(relation, settings)}`;
    const existing = findRelation(snapshot, relation);
    if (existing !== undefined) return ownershipFaults(existing, path);
    return settings.missingTables === "skip" ? [] : [missingTable(relation, path, compared)];
  });
}

function ownershipFaults(existing: Relation, path: string): Fault[] {
  const faults: Fault[] = [];
  if (existing.partitionOf !== null) {
    faults.push(partitionFault(existing.partitionOf, path));
  } else if (existing.kind !== "table") {
    const fix = "name it in exemptTables with a reason, and make the tables under it tenant tables";
    faults.push({ path, fault: `is a ${existing.kind}`, fix });
  } else if (existing.inherits) {
    const fault =
      "is part of an inheritance tree (INHERITS): indexes, foreign keys, triggers and policies do not apply to child tables";
    const fix =
      "make it a partitioned table, remove the child tables from it (NO INHERIT), or name it in exemptTables with a reason";
    faults.push({ path, fault, fix });
  }
  return [...faults, ...ownerFaults(existing, path)];
}

function ownerFaults({ mayAlter, owner }: Relation, path: string): Fault[] {
  if (mayAlter) return [];
  const fault = `belongs to ${owner}, and the connected role is not a member of it`;
  return [{ path, fault, fix: `connect as ${owner} or as a member of it` }];
}

/** Why a partitioned table cannot become a tenant table: its steps change its partitions too. */
function treeFaults(existing: Relation, path: string, { settings, snapshot }: Compared): Fault[] {
  const faults = ownerFaults(existing, path);
  if (existing.partitionOf !== null) faults.push(partitionFault(existing.partitionOf, path));
  for (const partition of partitionsOf(snapshot.relations, existing)) {
    const name = configuredName(partition, settings);
    if (partition.kind === "foreign table") {
      const fault = `has the partition ${name}, a foreign table: its rows are on another server, where indexes, constraints and policies of this database do not apply`;
      const fix = `detach ${name}, or name the table in exemptTables with a reason`;
      faults.push({ path, fault, fix });
    }
    faults.push(
      ...ownerFaults(partition, path).map(({ fault, fix }) => ({
        ...{ path, fix },
        fault: `has the partition ${name}, which ${fault}`,
      })),
    );
  }
  return faults;
}

function partitionFault({ name }: RelationName, path: string): Fault {
  const fix = `name ${name} instead: its partitions are included`;
  return { path, fault: `is a partition of ${name}`, fix };
}

/**
 * Tables that the configuration does not name: each is a fault, because a forgotten table is a leak.
 * Partitions are named by their partitioned table.
 */
export function unlistedTables({ settings, snapshot }: Compared): readonly Relation[] {
  const named = [
    ...settings.tables.day1,
    ...settings.tables.day2,
    ...settings.shared,
    ...settings.exempt,
    ...settings.profiles,
  ].map(({ relation }) => relation);
  const known = new Set(
    [...named, settings.names.organizations, settings.names.memberships].map(relationKey),
  );
  const schemas = new Set([settings.schema, ...named.map(({ schema }) => schema)]);
  return snapshot.relations.filter(
    (relation) =>
      (relation.kind === "table" || relation.kind === "partitioned table") &&
      relation.partitionOf === null &&
      schemas.has(relation.schema) &&
      !known.has(relationKey(relation)),
  );
}

/** The faults of the users' table and of the roles that the configuration names. */
export function identityFaults(compared: Compared): Fault[] {
  const { settings, snapshot } = compared;
  const faults: Fault[] = [];
  const users = findRelation(snapshot, settings.users.relation);
  if (users === undefined) {
    faults.push(missingTable(settings.users.relation, "users.table", compared));
  } else if (!users.columns.some(({ name }) => name === settings.users.id)) {
    faults.push({
      path: "users.id",
      fault: `${settings.users.table} has no column ${settings.users.id}`,
      fix: `did you mean ${closest(
        settings.users.id,
        users.columns.map(({ name }) => name),
      )}?`,
    });
  } else if (users.kind !== "table" && users.kind !== "partitioned table") {
    faults.push({
      path: "users.table",
      fault: `${settings.users.table} is a ${users.kind}, which no foreign key can reference`,
      fix: "name the table that it reads",
    });
  } else if (!isUnique(users, settings.users.id)) {
    faults.push({
      path: "users.id",
      fault: `${settings.users.table}.${settings.users.id} is not unique, so no foreign key can reference it`,
      fix: `name its primary key, or ALTER TABLE ${settings.users.table} ADD UNIQUE (${settings.users.id})`,
    });
  }
  for (const [key, role] of Object.entries(settings.roles)) {
    if (role === undefined || role === null || snapshot.server.roles.includes(role)) continue;
    faults.push({
      path: `roles.${key}`,
      fault: `the role ${role} does not exist`,
      fix: `did you mean ${closest(role, [...snapshot.server.roles])}?`,
    });
  }
  return faults;
}

/** Whether a foreign key can reference the column: it alone has a unique index without WHERE. */
function isUnique({ indexes }: Relation, column: string): boolean {
  return indexes.some(
    ({ columns, unique, valid, partial }) =>
      unique && valid && !partial && columns.length === 1 && columns[0] === column,
  );
}
