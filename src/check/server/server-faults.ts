import { faultsOf } from "../../catalog/server/known-faults.ts";
import type { Check, Found } from "../check.ts";

export const serverFaults: Check = {
  id: "server-faults",
  title: "faults of the server's version that the plan would meet, by PostgreSQL's release notes",
  why: "a later minor version has it fixed",
  // Who rolls back in an incident is not kept from it by a fault of building indexes.
  stops: ["run"],
  find: async ({ snapshot: { server } }) => faultFindings(server.version),
};

/**
 * The known faults of a version.
 * @param version as server_version_num has it: 140003 is 14.3
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
