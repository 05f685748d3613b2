import type { FenceScope } from "../../catalog/fence/scope.ts";
import { relationKey } from "../../config/relation-name.ts";
import { type ResolvedSettings, requestRoles, type Settings } from "../../config/settings.ts";
import type { Run } from "../../journal/journal.ts";
import type { Queries } from "../../postgres/connection.ts";
import type { RelationName } from "../../postgres/sql.ts";
import { readRoles } from "../roles/roles.ts";

/** The login role of PostgREST on Supabase. */
const usualLogin = "authenticator";

/**
 * What the fence of a run consists of, and of those before it.
 * @param runs those in force, oldest first; the last is the one whose fence it is
 */
export async function fenceScope(
  queries: Queries,
  settings: Settings,
  runs: readonly Run[],
): Promise<FenceScope> {
  const run = runs.at(-1);
  if (run === undefined) throw new Error("there is no run");
  const { tenancy } = run;
  const shared = run.stage === "day3" ? settings.shared.map(({ relation }) => relation) : [];
  const { schema, ...helpers } = tenancy.helpers;
  return {
    column: tenancy.column,
    tables: distinct(runs.flatMap(({ fences }) => fences.map(({ relation }) => relation))),
    shared: distinct(shared),
    organizations: named(tenancy.organizations),
    memberships: named(tenancy.memberships),
    users: { ...named(tenancy.users.relation), id: tenancy.users.id },
    helpers: { schema, functions: Object.values(helpers).map(({ name }) => name) },
    roles: rolesOf(await readRoles(queries, settings)),
  };
}

/** The roles of requests and of their login, as the configuration and the database give them. */
export function rolesOf(settings: ResolvedSettings): FenceScope["roles"] {
  const { roles, identity } = settings;
  return {
    requests: [...requestRoles(settings)].sort(),
    login: roles.login ?? (identity.kind === "supabase" ? usualLogin : null),
  };
}

function distinct(relations: readonly RelationName[]): FenceScope["tables"] {
  return [...new Map(relations.map((one) => [relationKey(one), named(one)])).values()];
}

function named({ schema, name }: RelationName): FenceScope["organizations"] {
  return { schema, name };
}
