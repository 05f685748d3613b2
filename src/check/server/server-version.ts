import type { Found, PreflightCheck } from "../check.ts";

/** TID range scans, which the backfill uses, came with PostgreSQL 14. */
const oldestMajor = 14;

/** The day on which each major's support ends; https://www.postgresql.org/support/versioning/ */
const endsOfLife: Readonly<Record<number, string>> = {
  14: "2026-11-12",
  15: "2027-11-11",
  16: "2028-11-09",
  17: "2029-11-08",
  18: "2030-11-14",
};

export const serverVersion: PreflightCheck = {
  id: "server-version",
  title: "the server's version: too old, or no longer supported",
  why: "PostgreSQL no longer fixes bugs in this major version",
  stops: ["run", "rollback"],
  find: async ({ snapshot: { server } }) => versionFindings(server.version, new Date()),
};

/**
 * Whether a version is too old, or no longer supported.
 * @param version as in server_version_num: 140003 is 14.3
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
        why: "the backfill needs TID range scans, which came with PostgreSQL 14",
        fix: `upgrade the server to PostgreSQL ${oldestMajor} or later`,
      },
    ];
  }
  const end = endsOfLife[major];
  if (end === undefined || today < new Date(end)) return [];
  const fact = `is not supported by PostgreSQL since ${end}`;
  const fix = "upgrade the server to a supported major version";
  return [{ severity: "advisory", what: { object, fact }, fix }];
}
