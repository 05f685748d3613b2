import type { Check, Found } from "./check.ts";
import { knownFaults } from "./known-faults.ts";

export const serverFaults: Check = {
  id: "server-faults",
  title: "faults of the server's version that the plan would meet, by PostgreSQL's release notes",
  why: "a later minor version has it mended",
  // Who rolls back in an incident is not kept from it by a fault of building indexes.
  stops: ["run"],
  find: async ({ snapshot: { server } }) => faultFindings(server.version),
};

/**
 * The known faults of a version.
 * @param version as server_version_num has it: 140003 is 14.3
 */
export function faultFindings(version: number): Found[] {
  const major = Math.floor(version / 10_000);
  const minor = version % 10_000;
  const object = `PostgreSQL ${major}.${minor}`;
  return knownFaults.flatMap(({ severity, minors, fault, why, source }): Found[] => {
    const affected = minors[major];
    if (affected === undefined || minor < (affected.from ?? 0) || minor >= affected.mended) {
      return [];
    }
    const mend = `update the server to ${major}.${affected.mended} or later`;
    return [{ severity, what: { object, fact: `${fault} (${source})` }, why, mend }];
  });
}
