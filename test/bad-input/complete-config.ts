import type { Config } from "../../src/config/schema.ts";

/** A configuration that says everything that can be said, for tests that break it piece by piece. */
export const completeConfig: Config = {
  schema: "public",
  names: {
    organizationColumn: "organization_id",
    organizations: "organizations",
    memberships: "organization_users",
    helpers: "tenancy",
  },
  identity: { kind: "setting", setting: "app.user_id" },
  users: { table: "person", id: "id", owners: "record.id IN (1, 8)", admins: "FALSE" },
  roles: {
    signedIn: "small_company_app",
    anonymous: "small_company_anonymous",
    login: "small_company_login",
  },
  defaultOrganization: { name: "Default", slug: "default-org" },
  organizations: [{ name: "Alpha", slug: "alpha", users: "record.id > 3" }],
  day1: {
    tables: {
      leads: { user: "person_id", access: "admins", unattributed: "default" },
      calls: { via: "lead_id", access: "members", unattributed: "error" },
    },
  },
  day2: {
    tables: {
      settings: "default",
      scripts: { source: "default", access: "admins" },
      invoices: { sql: "NULL::uuid", access: "members", unattributed: "default" },
    },
  },
  sharedTables: { countries: "the same for everybody" },
  profiles: { people: { user: "id" } },
  exemptTables: { person: "the users themselves" },
  missingTables: "error",
  unlistedTables: "error",
  forceRowSecurity: false,
  online: {
    lockTimeoutInMilliseconds: 400,
    lockAttempts: 60,
    giveUpAfterInMilliseconds: 600_000,
    onFailure: "rollback",
    smallTableInBytes: 0,
    batchTargetInMilliseconds: 5,
    replicaLagLimitInMilliseconds: 1500,
    tablesAtOnce: 2,
  },
  code: {
    folder: ".",
    tsconfig: "tsconfig.json",
    app: {
      include: ["src/**/*.ts"],
      exclude: ["**/*.test.ts"],
      organization: "organizationId",
      hook: { name: "useOrganization", from: "./organization" },
    },
    functions: {
      include: ["supabase/functions/**/*.ts"],
      exclude: ["**/*.test.ts"],
      organization: "organizationId",
      hook: { name: "useOrganization", from: "./organization" },
      caller: { name: "callerOrganization", from: "supabase/functions/_shared/organization.ts" },
    },
    filters: "explicit",
    clients: { serviceRole: ["SERVICE_ROLE_KEY"], userKey: ["SUPABASE_ANON_KEY"] },
    lookups: { leads: ["phone"] },
    uniquePerOrganization: { leads: ["phone"] },
    sharedKeys: ["theme"],
    gates: { typecheck: "npx tsc --noEmit" },
  },
  hardening: {
    foreignKeys: ["calls.calls_lead_id_fkey"],
    uniqueConstraints: ["leads.leads_phone_key"],
    policies: ["all"],
    views: ["all"],
    materializedViews: ["all"],
    functions: ["all"],
    definerFunctions: ["all"],
    sequences: ["all"],
    defaultPrivileges: ["all"],
  },
  functions: [{ function: "totals(uuid)", do: "revoke", reason: "only the jobs call it" }],
  audit: {
    accepted: [{ rule: "a-rule", object: "leads", reason: "is meant so", until: "2030-01-01" }],
  },
  backups: {
    folder: "backups",
    jobs: 2,
    compression: 6,
    keep: 3,
    recipients: ["age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"],
  },
  git: { repository: ".", ifTagExists: "reuse", push: true, required: false },
};

export type Place = readonly string[];

/** Every place in a value, the whole left out: `["users", "owners"]`, `["organizations", "0"]`. */
export function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((place) => [key, ...place]),
  ]);
}

export function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>(
    (outer, key) => Object.entries(outer ?? {}).find(([own]) => own === key)?.[1],
    value,
  );
}

/** The same with another value at a place; `undefined` takes the place away. */
export function replaced(value: unknown, [key, ...rest]: Place, by: unknown): unknown {
  if (key === undefined) return by;
  const inner = (found: unknown) => replaced(found, rest, by);
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (String(index) === key ? inner(item) : item));
  }
  return { ...Object(value), [key]: inner(valueAt(value, [key])) };
}
