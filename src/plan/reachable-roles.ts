import type { Server } from "../catalog/snapshot.ts";
import { type ResolvedSettings, requestRoles } from "../config/settings.ts";

/** PostgREST's roles, which serve requests wherever they are. */
const usual = ["anon", "authenticated", "authenticator"];

/**
 * The roles that requests run as, log in as, or can become: none of them may ever bypass row-level
 * security. Whoever is a member of the requests' role may be the application's login, but for the role
 * that is connected now, and superusers.
 */
export function reachableRoles(
  settings: ResolvedSettings,
  { memberships, user, bypassingRoles }: Server,
): ReadonlySet<string> {
  const { login } = settings.roles;
  const found = new Set<string>([
    ...usual,
    ...requestRoles(settings),
    ...(login === undefined ? [] : [login]),
  ]);
  const logins = memberships.filter(
    ({ member, of }) => found.has(of) && member !== user && !bypassingRoles.includes(member),
  );
  for (const { member } of logins) found.add(member);
  // Sets grow while they are walked: what a role can become is walked after it.
  for (const role of found) {
    for (const { member, of } of memberships) if (member === role) found.add(of);
  }
  return found;
}
