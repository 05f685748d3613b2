import type { Server } from "../catalog/snapshot.ts";
import { type ResolvedSettings, requestRoles } from "../config/settings.ts";

/** PostgREST's roles: where they exist, requests use them. */
const usual = ["anon", "authenticated", "authenticator"];

/**
 * The roles that requests run as, log in as, or can become with SET ROLE: none of them may bypass row-level
 * security. Every member of the requests' role may be the application's login, except the connected role
 * and roles that bypass row-level security.
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
  // A Set that grows while it is iterated also yields what was added.
  for (const role of found) {
    for (const { member, of } of memberships) if (member === role) found.add(of);
  }
  return found;
}
