import type { Check, Found } from "./check.ts";
import { endsOfLife, knownFaults } from "./known-faults.ts";

/** TID range scans, which the backfill goes by, came with PostgreSQL 14; so did BEGIN ATOMIC. */
const oldestMajor = 14;

export const serverVersion: Check = {
  id: "server-version",
  title: "the server's version: too old, with a known fault, or without support",
  why: "faults that are found in it now are not mended any more",
  stopsWriting: true,
  find: async ({ snapshot: { server } }) => versionFindings(server.version, new Date()),
};

/**
 * What is known of a version.
 * @param version as server_version_num has it: 140003 is 14.3
 */
export function versionFindings(version: number, today: Date): Found[] {
  const major = Math.floor(version / 10_000);
  const minor = version % 10_000;
  const object = `PostgreSQL ${major}.${minor}`;
  if (major < oldestMajor) {
    return [
      {
        severity: "blocking",
        what: { object, fact: `is older than ${oldestMajor}` },
        why: "the backfill's TID range scans and the helper functions' bodies came with 14",
        mend: `upgrade the server to PostgreSQL ${oldestMajor} or later`,
      },
    ];
  }
  const known = knownFaults.flatMap(({ severity, minors, fault, why, source }): Found[] => {
    const affected = minors[major];
    if (affected === undefined || minor < (affected.from ?? 0) || minor >= affected.mended) {
      return [];
    }
    const mend = `update the server to ${major}.${affected.mended} or later`;
    return [{ severity, what: { object, fact: `${fault} (${source})` }, why, mend }];
  });
  const end = endsOfLife[major];
  if (end === undefined || today < new Date(end)) return known;
  const fact = `has had no support since ${end}`;
  const mend = "upgrade the server to a major that is supported";
  return [...known, { severity: "advisory", what: { object, fact }, mend }];
}
