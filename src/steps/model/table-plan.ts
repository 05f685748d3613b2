import type { Grant } from "../../catalog/grants.ts";
import type { ForeignKey, Relation } from "../../catalog/relations.ts";
import type { TenantTable } from "../../config/settings.ts";
import type { RelationName } from "../../postgres/sql.ts";
import type { KeptTable } from "./kept.ts";
import { digestOf, nameFor } from "./naming.ts";
import type { ResolvedSource } from "./sources.ts";
import type { Tenancy } from "./tenancy.ts";

/** A foreign key on which a row's organization depends: whose row it names decides. */
export type SourceKey = {
  readonly key: ForeignKey;
  /** How it is known to which organizations the row belongs that is named. */
  readonly belongs: "by its organization" | "by memberships";
};

/** A tenant table for its steps: what is configured and what exists already. */
export type TablePlan = {
  /** With which the ids of its steps begin. */
  readonly stage: string;
  /** Where the configuration names it: `day1.tables.leads`. */
  readonly setting: string;
  readonly relation: RelationName;
  /** The table as it is written in titles and in the configuration. */
  readonly label: string;
  readonly source: ResolvedSource;
  readonly sourceKeys: readonly SourceKey[];
  readonly access: TenantTable["access"];
  readonly unattributed: TenantTable["unattributed"];
  readonly existing: Relation;
  /** Whether rows may be written without firing the application's triggers. */
  readonly triggersMayBeSilenced: boolean;
  readonly tenancy: Tenancy;
  /** The search_path for configured SQL, when it is run and in a trigger. */
  readonly searchPath: readonly string[];
  /** Grants to the roles of requests that row-level security does not restrict. */
  readonly bypassing: readonly Grant[];
  /** The roles that requests run as. */
  readonly requestRoles: readonly string[];
  /** The organization of each row before a rollback, where that was saved. */
  readonly kept?: KeptTable | undefined;
  /** Its partitions at every level, each before its own; undefined where it is not partitioned. */
  readonly partitions?: readonly PartitionPlan[] | undefined;
};

/** A partition, at any depth, of a tenant table. */
export type PartitionPlan = Omit<TablePlan, "partitions"> & {
  /** The tenant table at the top of the tree, which the configuration names. */
  readonly root: RelationName;
  readonly rootLabel: string;
  /** The partitioned table that it is directly a partition of. */
  readonly partitionOf: RelationName;
};

/** The id of a step of a table, or of a partition of one. */
export function stepId(table: TablePlan | PartitionPlan, step: string): string {
  const path = "rootLabel" in table ? [table.rootLabel, table.label] : [table.label];
  return [table.stage, ...path, step].join("/");
}

/** The organization column as it is before the plan, or undefined. */
export function existingColumn(table: TablePlan): Relation["columns"][number] | undefined {
  return table.existing.columns.find(({ name }) => name === table.tenancy.column);
}

/** The foreign key from the column to the organizations as it is before the plan, or undefined. */
export function existingForeignKey(table: TablePlan): Relation["foreignKeys"][number] | undefined {
  const { organizations, column } = table.tenancy;
  return table.existing.foreignKeys.find(
    (key) =>
      key.columns.length === 1 &&
      key.columns[0] === column &&
      key.schema === organizations.schema &&
      key.table === organizations.name,
  );
}

/**
 * Whether adding the column gives every existing row its organization: a constant default is kept
 * in the catalog (PostgreSQL 11 and later) and no row is written.
 */
export function isFilledByDefault(table: TablePlan): boolean {
  return table.source.kind === "default" && existingColumn(table) === undefined;
}

/** The names of what is added to a table, as in the plan where it has one. */
export function namesOf(table: TablePlan): {
  readonly index: string;
  readonly foreignKey: string;
  readonly notNull: string;
  readonly trigger: string;
  /** The same for requests that row-level security binds. */
  readonly triggerOfRequests: string;
  readonly attribution: RelationName;
} {
  const { name, schema } = table.relation;
  // All of these functions are in one schema; tables of different schemas may have the same name.
  const attribution =
    schema === table.tenancy.organizations.schema
      ? nameFor("attribute_", name, "")
      : nameFor("attribute_", name, `~${digestOf(`${schema}.${name}`)}`);
  return {
    index: nameFor("idx_", name, "_org_id"),
    foreignKey: existingForeignKey(table)?.name ?? nameFor("", name, "_organization_id_fkey"),
    notNull: nameFor("", name, "_organization_id_not_null_check"),
    // Triggers fire in the order of their names: those that set the source's column come first.
    trigger: "~attribute_organization",
    triggerOfRequests: "~attribute_organization_of_request",
    attribution: { schema: table.tenancy.helpers.schema, name: attribution },
  };
}
