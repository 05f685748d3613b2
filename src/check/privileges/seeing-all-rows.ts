import type { Server } from "../../catalog/snapshot.ts";
import { resolveRoles, type Settings } from "../../config/settings.ts";
import { reachableRoles } from "../../plan/reachable-roles.ts";
import { quoted } from "../check.ts";

/** Which role must not get BYPASSRLS: part of the reason of a finding that asks for it. */
export const neverForRequests =
  "A role that the application logs in as, or that requests can become, must never have BYPASSRLS: connect as another role";

/**
 * The statement that lets the connected role see every row, without giving BYPASSRLS to requests.
 * @returns the statement, or one that creates another role to connect as
 */
export function seeingAllRows(settings: Settings, server: Server): string {
  const { user } = server;
  return reachableRoles(resolveRoles(settings, server.usesAnon), server).has(user)
    ? `CREATE ROLE tenantry LOGIN BYPASSRLS IN ROLE ${quoted(user)}, and connect as that: requests can run as ${user}, so policies must apply to it`
    : `ALTER ROLE ${quoted(user)} BYPASSRLS`;
}
