import { z } from "zod";
import type { Settings } from "../config/settings.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../postgres/sql.ts";
import { organizationId } from "./naming.ts";

const relationNameSchema = z.object({ schema: z.string(), name: z.string() });

/** What every step needs to know of the tenancy. The journal keeps it with each run. */
export const tenancySchema = z.object({
  column: z.string(),
  organizations: relationNameSchema,
  memberships: relationNameSchema,
  users: z.object({ relation: relationNameSchema, id: z.string(), idType: z.string() }),
  /** The helper functions, in a schema that the API does not expose. */
  helpers: z.object({
    schema: z.string(),
    /** The user who asks, or NULL. */
    caller: relationNameSchema,
    /** The organizations of the user who asks. */
    callerOrganizations: relationNameSchema,
    /** Those that the user owns or administers. */
    callerAdministers: relationNameSchema,
    /** Where a row goes whose writer names no organization. */
    writingOrganization: relationNameSchema,
    joinDefaultOrganization: relationNameSchema,
  }),
  defaultOrganizationId: z.uuid(),
  forceRowSecurity: z.boolean(),
});

export type Tenancy = Readonly<z.output<typeof tenancySchema>>;

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
      return sql`NULLIF(NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb ->> ${literal(identity.claim)}, '')::${raw(idType)}`;
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
