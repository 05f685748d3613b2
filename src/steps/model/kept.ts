import type { RelationName, Some } from "../../postgres/sql.ts";

/** The organization of each row before a rollback, loaded into the journal's schema. */
export type KeptTable = {
  readonly relation: RelationName;
  /** The columns that identify a row. */
  readonly key: Some<string>;
  /** The table with these columns and `kept_organization`. */
  readonly loadedAs: RelationName;
};

/** What a rollback saved, for the stage to be run again with it. */
export type Kept = {
  /** Whether organizations and memberships are loaded too: only Day 1's rollback drops them. */
  readonly organizations: boolean;
  readonly tables: readonly KeptTable[];
};

export const keptOrganizations: RelationName = { schema: "tenantry", name: "kept_organizations" };
export const keptMemberships: RelationName = { schema: "tenantry", name: "kept_memberships" };
