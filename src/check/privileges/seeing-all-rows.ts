import type { Server } from "../../catalog/snapshot.ts";
import { resolveRoles, type Settings } from "../../config/settings.ts";
import { reachableRoles } from "../../plan/reachable-roles.ts";
import { quoted } from "../check.ts";

/** Which role may be given BYPASSRLS, for the reason of a finding that asks for it. */
export const neverForRequests =
  "a role that the application logs in as, or that requests can become, must never have it: connect as another one";

/**
 * How the connected role comes to see every row: never by a right that requests would have too.
 * @returns the statement, or that of another role to connect as
 */
export function seeingAllRows(settings: Settings, server: Server): string {
  const { user } = server;
  return reachableRoles(resolveRoles(settings, server.usesAnon), server).has(user)
    ? `CREATE ROLE tenantry LOGIN BYPASSRLS IN ROLE ${quoted(user)}, and connect as that: requests can run as ${user}, which must stay bound`
    : `ALTER ROLE ${quoted(user)} BYPASSRLS`;
}
