import type { Snapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import type { TablePlan } from "../steps/table-plan.ts";

/** The roles beside those of requests that the fences will take the rows from, with their tables. */
export function blindedRoles(
  { roles }: Settings,
  { server }: Snapshot,
  tables: readonly TablePlan[],
): string[] {
  const unaffected = [...Object.values(roles), ...server.bypassingRoles, server.user];
  const tablesOf = new Map<string, Set<string>>();
  for (const { label, existing } of tables) {
    // Where row-level security is on, they are under it already.
    if (existing.rowSecurity) continue;
    for (const { grantee, privilege } of existing.grants) {
      if (grantee === null || !["SELECT", "UPDATE", "DELETE"].includes(privilege)) continue;
      if (unaffected.includes(grantee)) continue;
      tablesOf.set(grantee, (tablesOf.get(grantee) ?? new Set()).add(label));
    }
  }
  return [...tablesOf].map(
    ([role, labels]) =>
      `${role} will see no row of ${[...labels].join(", ")} unless it names a user: if it serves no tenant (reports, exports), ALTER ROLE … BYPASSRLS lets it see all`,
  );
}
