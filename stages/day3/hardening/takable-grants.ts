import type { Access, Grant } from "../../../src/catalog/grants.ts";

/** The grants to the roles of requests or to everybody. */
export function grantsToRequests<One extends Grant>(
  grants: readonly One[],
  roles: readonly string[],
): One[] {
  return grants.filter(({ grantee }) => grantee === null || roles.includes(grantee));
}

/** Why the roles of requests would still have privileges after REVOKE by the owner. */
export function whyPrivilegesStay(
  access: readonly Access[],
  roles: readonly string[],
  owner: string,
  privileges: readonly string[],
): string | undefined {
  if (roles.includes(owner)) return `belongs to ${owner}`;
  for (const { grantee, privilege, fromOwner, members } of access) {
    if (!privileges.includes(privilege)) continue;
    if (!fromOwner) return `has grants of ${privilege} that ${owner} did not make`;
    if (grantee === null || roles.includes(grantee)) continue;
    const role = members.find((member) => roles.includes(member));
    if (role !== undefined) return `is open to ${role} as a member of ${grantee}`;
  }
  return undefined;
}
