import type { Settings } from "../config/settings.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../postgres/sql.ts";
import { organizationId } from "./naming.ts";

/** What every step needs to know of the tenancy: names, the caller, the default organization. */
export type Tenancy = {
  readonly column: string;
  readonly organizations: RelationName;
  readonly memberships: RelationName;
  readonly users: { readonly relation: RelationName; readonly id: string; readonly idType: string };
  readonly helpers: Helpers;
  readonly defaultOrganizationId: string;
  readonly forceRowSecurity: boolean;
};

/** The helper functions, in a schema that the API does not expose. */
export type Helpers = {
  readonly schema: string;
  /** The user who asks, or NULL. */
  readonly caller: RelationName;
  /** The organizations of the user who asks. */
  readonly callerOrganizations: RelationName;
  /** Those that the user owns or administers. */
  readonly callerAdministers: RelationName;
  /** Where a row goes whose writer names no organization. */
  readonly writingOrganization: RelationName;
  readonly joinDefaultOrganization: RelationName;
};

/** @param userIdType the type of the users' key, from the catalog */
export function tenancyFrom(settings: Settings, userIdType: string): Tenancy {
  const schema = settings.names.helpers;
  const helper = (name: string) => ({ schema, name });
  return {
    column: settings.names.organizationColumn,
    organizations: settings.names.organizations,
    memberships: settings.names.memberships,
    users: { relation: settings.users.relation, id: settings.users.id, idType: userIdType },
    helpers: {
      schema,
      caller: helper("caller"),
      callerOrganizations: helper("caller_organizations"),
      callerAdministers: helper("caller_administers"),
      writingOrganization: helper("writing_organization"),
      joinDefaultOrganization: helper("join_default_organization"),
    },
    defaultOrganizationId: organizationId(settings.defaultOrganization.slug),
    forceRowSecurity: settings.forceRowSecurity,
  };
}

/** The SQL that tells who asks, by the configured identity. */
export function callerExpression(identity: Settings["identity"], idType: string): Sql {
  switch (identity.kind) {
    case "supabase":
      return sql`auth.uid()`;
    case "jwt-claim":
      return sql`(NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb ->> ${literal(identity.claim)})::${raw(idType)}`;
    case "setting":
      return sql`NULLIF(current_setting(${literal(identity.setting)}, TRUE), '')::${raw(idType)}`;
    default:
      return identity satisfies never;
  }
}

/**
 * The condition of a policy. `= ANY (ARRAY(SELECT …))` is evaluated once a query (an InitPlan) and
 * serves as an index condition; `IN (SELECT …)` would be a filter over every row.
 */
export function isOneOf(column: string, organizations: RelationName): Sql {
  return sql`${ident(column)} = ANY (ARRAY(SELECT ${ident(organizations)}()))`;
}
