import type { RelationName, Some } from "../postgres/sql.ts";
import { formatRelationName, parseRelationName, relationKey } from "./relation-name.ts";
import type { CompleteConfig } from "./schema.ts";

/** The source of a row's organization. */
export type TenancySource =
  | { readonly kind: "default" }
  | { readonly kind: "via"; readonly column: string }
  | { readonly kind: "user"; readonly column: string }
  | { readonly kind: "sql"; readonly expression: string };

export type TenantTable = {
  readonly relation: RelationName;
  readonly source: TenancySource;
  readonly access: "members" | "admins";
  readonly unattributed: "error" | "default";
};

/** A table with a row for each user. */
export type ProfileTable = { readonly relation: RelationName; readonly user: string };

export type NamedWithReason = { readonly relation: RelationName; readonly reason: string };

/** The configuration as the program uses it: names are resolved, and each source has a kind. */
export type Settings = Omit<
  CompleteConfig,
  "names" | "users" | "day1" | "day2" | "sharedTables" | "exemptTables" | "profiles"
> & {
  readonly names: {
    readonly organizationColumn: string;
    readonly organizations: RelationName;
    readonly memberships: RelationName;
    readonly helpers: string;
  };
  readonly users: CompleteConfig["users"] & { readonly relation: RelationName };
  readonly tables: { readonly day1: readonly TenantTable[]; readonly day2: readonly TenantTable[] };
  readonly shared: readonly NamedWithReason[];
  readonly exempt: readonly NamedWithReason[];
  readonly profiles: readonly ProfileTable[];
};

/** A fault of the configuration: its path, what is wrong, and the fix. */
export type Fault = { readonly path: string; readonly fault: string; readonly fix: string };

/** Resolves names and finds faults that a schema cannot find; returns all faults at once. */
export function settingsFrom(
  config: CompleteConfig,
): { readonly settings: Settings } | { readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const relation = (text: string, path: string): RelationName => {
    const parsed = parseRelationName(text, config.schema);
    if (parsed !== undefined) return parsed;
    faults.push({
      path,
      fault: `${JSON.stringify(text)} is not a valid table name`,
      fix: 'write name or schema.name; put a name with a dot in double quotes: "a.b"',
    });
    return { schema: config.schema, name: text };
  };
  const tables = (stage: "day1" | "day2"): TenantTable[] =>
    Object.entries(config[stage].tables).map(([text, table]) =>
      tenantTable(relation(text, `${stage}.tables`), table),
    );
  const named = (key: "sharedTables" | "exemptTables"): NamedWithReason[] =>
    Object.entries(config[key]).map(([text, reason]) => ({
      relation: relation(text, key),
      reason,
    }));

  const {
    names,
    users,
    day1: _day1,
    day2: _day2,
    sharedTables: _,
    exemptTables: __,
    profiles,
    ...rest
  } = config;
  const settings: Settings = {
    ...rest,
    names: {
      organizationColumn: names.organizationColumn,
      organizations: { schema: config.schema, name: names.organizations },
      memberships: { schema: config.schema, name: names.memberships },
      helpers: names.helpers,
    },
    users: { ...users, relation: relation(users.table, "users.table") },
    tables: { day1: tables("day1"), day2: tables("day2") },
    shared: named("sharedTables"),
    exempt: named("exemptTables"),
    profiles: Object.entries(profiles).map(([text, { user }]) => ({
      relation: relation(text, "profiles"),
      user,
    })),
  };
  faults.push(
    ...namedTwice(settings),
    ...sameSlugs(config),
    ...ownSchemas(settings),
    ...codeTables(settings),
  );
  return faults.length > 0 ? { faults } : { settings };
}

function tenantTable(
  relation: RelationName,
  table: CompleteConfig["day1"]["tables"][string],
): TenantTable {
  if (table === "default" || "source" in table) {
    const access = table === "default" ? "members" : table.access;
    return { relation, source: { kind: "default" }, access, unattributed: "error" };
  }
  const { access, unattributed } = table;
  return { relation, source: sourceOf(table), access, unattributed };
}

function sourceOf(
  table: { via: string } | { user: string } | { sql: string },
): Exclude<TenancySource, { kind: "default" }> {
  if ("via" in table) return { kind: "via", column: table.via };
  if ("user" in table) return { kind: "user", column: table.user };
  return { kind: "sql", expression: table.sql };
}

function namedTwice(settings: Settings): Fault[] {
  const settingsByTable = new Map<string, string[]>();
  const add = (relation: RelationName, setting: string) => {
    const key = relationKey(relation);
    settingsByTable.set(key, [...(settingsByTable.get(key) ?? []), setting]);
  };
  for (const { relation } of settings.tables.day1) add(relation, "day1.tables");
  for (const { relation } of settings.tables.day2) add(relation, "day2.tables");
  for (const { relation } of settings.shared) add(relation, "sharedTables");
  for (const { relation } of settings.exempt) add(relation, "exemptTables");
  for (const { relation } of settings.profiles) add(relation, "profiles");
  add(settings.names.organizations, "names.organizations");
  add(settings.names.memberships, "names.memberships");
  return [...settingsByTable]
    .filter(([, named]) => named.length > 1)
    .map(([key, named]) => ({
      path: named.join(" and "),
      fault: `the table ${key.slice(1, -1)} is named ${named.length} times`,
      fix: "name each table once",
    }));
}

function sameSlugs(config: CompleteConfig): Fault[] {
  const slugs = [config.defaultOrganization, ...config.organizations].map(({ slug }) => slug);
  return [...new Set(slugs.filter((slug, index) => slugs.indexOf(slug) !== index))].map((slug) => ({
    path: "organizations",
    fault: `two organizations have the slug ${slug}`,
    fix: "give each organization another slug",
  }));
}

function ownSchemas(settings: Settings): Fault[] {
  const taken = [settings.schema, "tenantry", "pg_catalog", "information_schema"];
  if (!taken.includes(settings.names.helpers)) return [];
  return [
    {
      path: "names.helpers",
      fault: `the helper functions cannot be in the schema ${settings.names.helpers}`,
      fix: "name a schema that nothing else uses and that the API does not expose",
    },
  ];
}

/** Settings for the code of a table have no effect on a table without an organization. */
function codeTables(settings: Settings): Fault[] {
  const { lookups, uniquePerOrganization } = settings.code;
  const tenantTables = new Set(tenantTableKeys(settings));
  const named = [
    ...Object.keys(lookups).map((text) => ({ text, path: "code.lookups" })),
    ...Object.keys(uniquePerOrganization).map((text) => ({
      text,
      path: "code.uniquePerOrganization",
    })),
  ];
  return named.flatMap(({ text, path }) => {
    const relation = parseRelationName(text, settings.schema);
    return relation !== undefined && tenantTables.has(relationKey(relation))
      ? []
      : [
          {
            path: `${path}.${text}`,
            fault: "is not a table of day1 or day2",
            fix: "name a table of day1 or day2, or remove the setting",
          },
        ];
  });
}

/** The tenant tables, each by its `relationKey`. */
export function tenantTableKeys({ tables }: Settings): string[] {
  return [...tables.day1, ...tables.day2].map(({ relation }) => relationKey(relation));
}

/** How a table is written in the configuration. */
export function configuredName(relation: RelationName, settings: Settings): string {
  return formatRelationName(relation, settings.schema);
}

/** Settings with the roles of a database: whether requests without a user have a role is known. */
export type ResolvedSettings = Omit<Settings, "roles"> & {
  readonly roles: Omit<Settings["roles"], "anonymous"> & { readonly anonymous: string | null };
};

/**
 * The settings with the roles of requests in a database; safe to call twice.
 * @param usesAnon whether the database uses the role `anon`, from `Server`
 */
export function resolveRoles(settings: Settings, usesAnon: boolean): ResolvedSettings {
  const { roles } = settings;
  const usual = usesAnon && roles.signedIn !== "anon" ? "anon" : null;
  const anonymous = roles.anonymous === undefined ? usual : roles.anonymous;
  return { ...settings, roles: { ...roles, anonymous } };
}

/** The roles that the application's requests run as. */
export function requestRoles({ roles }: Pick<ResolvedSettings, "roles">): Some<string> {
  return roles.anonymous === null ? [roles.signedIn] : [roles.signedIn, roles.anonymous];
}

/** The login role of PostgREST on Supabase. */
export const supabaseLogin = "authenticator";

/** The roles that requests begin with, and those that the login may become on purpose. */
export type KnownRoles = {
  readonly starts: Some<string>;
  readonly trusted: readonly string[];
};

/**
 * The roles that the configuration names or Supabase always has. Every other role that requests can become is
 * computed from the catalog.
 */
export function knownRoles(settings: ResolvedSettings): KnownRoles {
  const { roles, identity } = settings;
  const onSupabase = identity.kind === "supabase";
  const login = roles.login ?? (onSupabase ? supabaseLogin : undefined);
  const [first, ...others] = requestRoles(settings);
  return {
    starts: [first, ...others, ...(login === undefined ? [] : [login])],
    // Requests become it with the service key only, which the application keeps to itself.
    trusted: onSupabase ? ["service_role"] : [],
  };
}

/** The rule of the audit by which a role is accepted that requests can become. */
export const roleBesideRule = "role-beside";

/** The roles that the configuration accepts by name. @param today as `2026-11-23`; without, also those whose day is over */
export function acceptedRoles({ audit }: Pick<Settings, "audit">, today?: string): string[] {
  return audit.accepted
    .filter(({ rule, until }) => rule === roleBesideRule && (today === undefined || until >= today))
    .map(({ object }) => object);
}
