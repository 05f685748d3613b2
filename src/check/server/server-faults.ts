import { faultsOf } from "../../catalog/server/known-faults.ts";
import type { Found, PreflightCheck } from "../check.ts";

export const serverFaults: PreflightCheck = {
  id: "server-faults",
  title:
    "bugs of the server's minor version that affect the stages, from PostgreSQL's release notes",
  why: "a later minor version fixes it",
  // A rollback in an incident must not be refused because of a bug in index builds.
  stops: ["run"],
  find: async ({ snapshot: { server } }) => faultFindings(server.version),
};

/**
 * The known bugs of a version.
 * @param version as in server_version_num: 140003 is 14.3
 */
export function faultFindings(version: number): Found[] {
  const object = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
  return faultsOf(version).map(
    ({ severity, fault, why, source, fixedIn }): Found => ({
      severity,
      what: { object, fact: `${fault} (${source})` },
      why,
      fix: `update the server to ${fixedIn} or later`,
    }),
  );
}
