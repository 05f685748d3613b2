import type { Tenants } from "../../catalog/routines/tenants.ts";
import type { RelationName } from "../../postgres/sql.ts";
import type { Tenancy } from "../model/tenancy.ts";

/** What functions are judged by: the fence by name. */
export function tenantsOf(
  { column, organizations, memberships, helpers }: Tenancy,
  tables: readonly RelationName[],
  shared: readonly RelationName[],
): Tenants {
  return {
    column,
    fenced: [...tables, organizations, memberships],
    shared,
    organizations,
    memberships,
    helpers: helpers.schema,
    helperNames: [
      helpers.caller,
      helpers.callerOrganizations,
      helpers.callerAdministers,
      helpers.writingOrganization,
      helpers.joinDefaultOrganization,
    ].map(({ name }) => name),
    caller: helpers.caller,
    callersOrganizations: [
      helpers.callerOrganizations,
      helpers.callerAdministers,
      helpers.writingOrganization,
    ],
  };
}
