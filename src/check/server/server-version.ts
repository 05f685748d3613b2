import type { Check, Found } from "../check.ts";

/** TID range scans, which the backfill goes by, came with PostgreSQL 14; so did BEGIN ATOMIC. */
const oldestMajor = 14;

/** The day on which each major's support ends; https://www.postgresql.org/support/versioning/ */
const endsOfLife: Readonly<Record<number, string>> = {
  14: "2026-11-12",
  15: "2027-11-11",
  16: "2028-11-09",
  17: "2029-11-08",
  18: "2030-11-14",
};

export const serverVersion: Check = {
  id: "server-version",
  title: "the server's version: too old, or without support",
  why: "faults that are found in it now are not fixed any more",
  stops: ["run", "rollback"],
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
        fix: `upgrade the server to PostgreSQL ${oldestMajor} or later`,
      },
    ];
  }
  const end = endsOfLife[major];
  if (end === undefined || today < new Date(end)) return [];
  const fact = `has had no support since ${end}`;
  const fix = "upgrade the server to a major that is supported";
  return [{ severity: "advisory", what: { object, fact }, fix }];
}
