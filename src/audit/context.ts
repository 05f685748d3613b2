import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import {
  acceptedRoles,
  knownRoles,
  type ResolvedSettings,
  requestRoles,
  resolveRoles,
  type Settings,
} from "../config/settings.ts";
import { AppError } from "../errors.ts";
import type { RelationName } from "../postgres/sql.ts";
import { tenancyIn } from "../steps/model/tenancy.ts";
import type { AuditContext } from "./rule.ts";

/**
 * The objects that the audit reads: those named in the configuration that exist in the database.
 * @throws AppError AUDIT_IMPOSSIBLE when it has none of the roles that requests run as
 */
export function auditContext(settings: Settings, snapshot: Snapshot): AuditContext {
  const { server } = snapshot;
  const { signedIn } = settings.roles;
  const resolved = resolveRoles(settings, server.usesAnon);
  const known = requestRoles(resolved).filter((role) => server.roles.includes(role));
  const [role, ...others] = known;
  if (role === undefined) {
    throw new AppError({
      code: "AUDIT_IMPOSSIBLE",
      object: signedIn,
      fault: "there is no such role on the server",
      state: "nothing was changed",
      next: "name the role that requests run as in the configuration's roles.signedIn",
    });
  }
  const there = (relations: readonly { readonly relation: RelationName }[]): RelationName[] =>
    relations
      .map(({ relation }) => relation)
      .filter((relation) => findRelation(snapshot, relation) !== undefined);
  return {
    tenancy: tenancyIn(settings, snapshot),
    roles: [role, ...others],
    requests: requestsOf(resolved),
    identitySettings: settings.identity.kind === "setting" ? [settings.identity.setting] : [],
    tenantTables: there([...settings.tables.day1, ...settings.tables.day2]),
    sharedTables: there(settings.shared),
    exemptTables: there(settings.exempt),
    functions: settings.functions,
    profiles: settings.profiles.filter(
      ({ relation }) => findRelation(snapshot, relation) !== undefined,
    ),
    serverVersion: server.version,
  };
}

/** The roles of requests; those that the configuration accepts by name are trusted. */
function requestsOf(settings: ResolvedSettings): AuditContext["requests"] {
  const { starts, trusted } = knownRoles(settings);
  return {
    starts,
    trusted: [...trusted, ...acceptedRoles(settings)],
    listed: [...starts, ...trusted],
  };
}
