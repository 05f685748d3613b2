import type { RelationName, Some } from "../../postgres/sql.ts";

/** Which row was whose before a rollback, loaded into the journal's schema. */
export type KeptTable = {
  readonly relation: RelationName;
  /** The columns that tell a row. */
  readonly key: Some<string>;
  /** Has these columns, and `kept_organization`. */
  readonly loadedAs: RelationName;
};

/** What a rollback kept for the stage to be run again with. */
export type Kept = {
  /** Whether organizations and memberships are loaded, too: Day 1's rollback drops them. */
  readonly organizations: boolean;
  readonly tables: readonly KeptTable[];
};

export const keptOrganizations: RelationName = { schema: "tenantry", name: "kept_organizations" };
export const keptMemberships: RelationName = { schema: "tenantry", name: "kept_memberships" };
