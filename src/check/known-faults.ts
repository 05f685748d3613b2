import type { Severity } from "./check.ts";

type KnownFault = {
  readonly severity: Severity;
  /** By major: the minor that mended it, and the one that brought it where that was not the first. */
  readonly minors: Readonly<Record<number, { readonly from?: number; readonly mended: number }>>;
  readonly fault: string;
  readonly why: string;
  /** Where PostgreSQL says so. */
  readonly source: string;
};

const november2024 = {
  14: { mended: 14 },
  15: { mended: 9 },
  16: { mended: 5 },
  17: { mended: 1 },
};

/** Faults of PostgreSQL's own that the plan would meet. */
export const knownFaults: readonly KnownFault[] = [
  {
    severity: "blocking",
    minors: { 14: { mended: 4 } },
    fault: "an index that is built concurrently can lack rows",
    why: "the plan builds its indexes concurrently, and queries by them would miss rows of a tenant",
    source: "https://www.postgresql.org/docs/release/14.4/",
  },
  {
    severity: "advisory",
    minors: { 14: { mended: 8 }, 15: { mended: 3 } },
    fault:
      "policies of one role can be applied to another where a function is inlined (CVE-2023-2455)",
    why: "the isolation of tenants rests on policies",
    source: "https://www.postgresql.org/support/security/CVE-2023-2455/",
  },
  {
    severity: "advisory",
    minors: november2024,
    fault: "policies below a subquery can be those of another role (CVE-2024-10976)",
    why: "the isolation of tenants rests on policies",
    source: "https://www.postgresql.org/support/security/CVE-2024-10976/",
  },
  {
    severity: "advisory",
    minors: november2024,
    fault:
      "a change of the catalog in place can be lost beside a GRANT, and with it that a table has an index",
    why: "writers would leave out the new index, while the plan builds indexes on a live database",
    source: "https://www.postgresql.org/docs/release/17.1/",
  },
  {
    severity: "advisory",
    minors: {
      14: { from: 14, mended: 15 },
      15: { from: 9, mended: 10 },
      16: { from: 5, mended: 6 },
      17: { from: 1, mended: 2 },
    },
    fault: "ALTER ROLE … SET role is not applied to new sessions",
    why: "a role that becomes the tables' owner this way connects without being it",
    source: "https://www.postgresql.org/docs/release/17.2/",
  },
];

/** The day on which each major's support ends; https://www.postgresql.org/support/versioning/ */
export const endsOfLife: Readonly<Record<number, string>> = {
  14: "2026-11-12",
  15: "2027-11-11",
  16: "2028-11-09",
  17: "2029-11-08",
  18: "2030-11-14",
};
