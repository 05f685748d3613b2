import { z } from "zod";
import { findRelation, type Snapshot } from "../../catalog/snapshot.ts";
import type { Settings } from "../../config/settings.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { organizationId } from "./naming.ts";
import { relationNameSchema } from "./relation-name.ts";

/** What every step needs to know of the tenancy. The journal keeps it with each run. */
export const tenancySchema = z.object({
  column: z.string(),
  organizations: relationNameSchema,
  memberships: relationNameSchema,
  users: z.object({ relation: relationNameSchema, id: z.string(), idType: z.string() }),
  /** The helper functions, in a schema that the API does not expose. */
  helpers: z.object({
    schema: z.string(),
    /** The current user, or NULL. */
    caller: relationNameSchema,
    /** The organizations of the current user. */
    callerOrganizations: relationNameSchema,
    /** Those that the current user owns or administers. */
    callerAdministers: relationNameSchema,
    /** The organization of a row that is written without one. */
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

/** The SQL for the current user, by the configured identity: NULL where it is not the key of a user. */
export function callerExpression(identity: Settings["identity"], idType: string): Sql {
  switch (identity.kind) {
    case "supabase":
      return sql`auth.uid()`;
    case "jwt-claim":
      return asKey(
        sql`(NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb ->> ${literal(identity.claim)})`,
        idType,
      );
    case "setting":
      return asKey(sql`current_setting(${literal(identity.setting)}, TRUE)`, idType);
    default:
      return identity satisfies never;
  }
}

const ranges: Readonly<Record<string, Sql>> = {
  smallint: raw("-32768 AND 32767"),
  integer: raw("-2147483648 AND 2147483647"),
  bigint: raw("-9223372036854775808 AND 9223372036854775807"),
};

/**
 * Text as a user's key. An application may set it to `system` or `anonymous`: a cast would fail, and
 * every write with it. CASE guarantees the order of evaluation, which AND does not.
 */
function asKey(text: Sql, idType: string): Sql {
  const range = ranges[idType];
  if (range !== undefined) {
    return sql`CASE
           WHEN ${text} ~ '^[[:space:]]*[-+]?[0-9]{1,19}[[:space:]]*$'
           THEN CASE
                  WHEN ${text}::numeric BETWEEN ${range}
                  THEN ${text}::${raw(idType)}
                END
         END`;
  }
  if (idType === "uuid") {
    return sql`CASE
           WHEN ${text} ~* '^([0-9a-f]{4}-?){7}[0-9a-f]{4}$'
           THEN ${text}::uuid
         END`;
  }
  return sql`NULLIF(${text}, '')::${raw(idType)}`;
}

/**
 * The condition of a policy. `= ANY (ARRAY(SELECT …))` is evaluated once a query (an InitPlan) and
 * serves as an index condition; `IN (SELECT …)` would be a filter over every row.
 */
export function isOneOf(column: string, organizations: RelationName): Sql {
  return sql`${ident(column)} = ANY (ARRAY(SELECT ${ident(organizations)}()))`;
}

/** The names in a database: the type of its users' keys is read from the catalog. */
export function tenancyIn(
  settings: Parameters<typeof tenancyFrom>[0],
  snapshot: Snapshot,
): Tenancy {
  const users = findRelation(snapshot, settings.users.relation);
  const idType = users?.columns.find(({ name }) => name === settings.users.id)?.type ?? "uuid";
  return tenancyFrom(settings, idType);
}
