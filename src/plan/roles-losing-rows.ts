import type { Snapshot } from "../catalog/snapshot.ts";
import { type ResolvedSettings, requestRoles } from "../config/settings.ts";
import type { TablePlan } from "../steps/model/table-plan.ts";
import { reachableRoles } from "./reachable-roles.ts";

/**
 * Notes on the roles, other than those of requests, that will see no rows behind the fences, with their
 * tables. BYPASSRLS is advised only for a role that no request can become.
 */
export function rolesLosingRows(
  settings: ResolvedSettings,
  { server }: Snapshot,
  tables: readonly TablePlan[],
): string[] {
  const { login } = settings.roles;
  const unaffected = [
    ...requestRoles(settings),
    ...(login === undefined ? [] : [login]),
    ...server.bypassingRoles,
    server.user,
  ];
  const tablesOf = new Map<string, Set<string>>();
  for (const { label, existing } of tables) {
    // Where row-level security is on already, it applies to them already.
    if (existing.rowSecurity) continue;
    for (const { grantee, privilege } of existing.grants) {
      if (grantee === null || !["SELECT", "UPDATE", "DELETE"].includes(privilege)) continue;
      if (unaffected.includes(grantee)) continue;
      tablesOf.set(grantee, (tablesOf.get(grantee) ?? new Set()).add(label));
    }
  }
  const ofRequests = reachableRoles(settings, server);
  return [...tablesOf].map(([role, labels]) => {
    const losing = `${role} will see no row of ${[...labels].join(", ")} unless it names a user`;
    return ofRequests.has(role)
      ? `${losing}: requests run as it or can become it, so row-level security must apply to it; what serves no tenant (reports, exports) needs a separate role`
      : `${losing}: if it serves no tenant (reports, exports) and no request can become it, ALTER ROLE … BYPASSRLS lets it see all rows`;
  });
}
