import { august2026, type Minors, november2026 } from "./minors.ts";

type Affected = Readonly<Record<number, { readonly from?: number; readonly fixed: number }>>;

export type KnownFault = {
  readonly severity: "blocking" | "advisory";
  /** By major: the minor that fixed it, and the one that brought it where that was not the first. */
  readonly minors: Affected;
  readonly fault: string;
  /** Where row-level security itself does not hold: its name among PostgreSQL's security faults. */
  readonly pastPolicies?: `CVE-${number}-${number}`;
  readonly why: string;
  /** Where PostgreSQL says so. */
  readonly source: string;
};

const november2024: Affected = {
  14: { fixed: 14 },
  15: { fixed: 9 },
  16: { fixed: 5 },
  17: { fixed: 1 },
};

/** Faults that the minors of one day fixed. */
function fixedBy(minors: Minors): Affected {
  return Object.fromEntries(Object.entries(minors).map(([major, fixed]) => [major, { fixed }]));
}

/** A fault by which rows are read or written past policies. */
function pastPolicies(
  name: `CVE-${number}-${number}`,
  minors: Affected,
  fault: string,
): KnownFault {
  return {
    severity: "advisory",
    minors,
    fault: `${fault} (${name})`,
    pastPolicies: name,
    why: "the isolation of tenants rests on policies",
    source: `https://www.postgresql.org/support/security/${name}/`,
  };
}

/** Faults of PostgreSQL's own that the plan would meet. */
const knownFaults: readonly KnownFault[] = [
  {
    severity: "blocking",
    minors: { 14: { fixed: 4 } },
    fault: "an index that is built concurrently can lack rows",
    why: "the plan builds its indexes concurrently, and queries by them would miss rows of a tenant",
    source: "https://www.postgresql.org/docs/release/14.4/",
  },
  pastPolicies(
    "CVE-2023-2455",
    { 14: { fixed: 8 }, 15: { fixed: 3 } },
    "policies of one role can be applied to another where a function is inlined",
  ),
  pastPolicies("CVE-2023-39418", { 15: { fixed: 4 } }, "MERGE does not ask all policies"),
  pastPolicies(
    "CVE-2024-10976",
    november2024,
    "policies below a subquery can be those of another role",
  ),
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
      14: { from: 14, fixed: 15 },
      15: { from: 9, fixed: 10 },
      16: { from: 5, fixed: 6 },
      17: { from: 1, fixed: 2 },
    },
    fault: "ALTER ROLE … SET role is not applied to new sessions",
    why: "a role that becomes the tables' owner this way connects without being it",
    source: "https://www.postgresql.org/docs/release/17.2/",
  },
  pastPolicies(
    "CVE-2025-8713",
    { 14: { fixed: 19 }, 15: { fixed: 14 }, 16: { fixed: 10 }, 17: { fixed: 6 } },
    "the planner's statistics show values of rows that policies hide",
  ),
  pastPolicies(
    "CVE-2026-14666",
    fixedBy(august2026),
    "a plan that is cached goes on with the policies from before a change of roles",
  ),
  pastPolicies(
    "CVE-2026-116311",
    fixedBy(november2026),
    "with DROP OWNED BY a role takes itself out of restrictive policies that name it",
  ),
  pastPolicies(
    "CVE-2026-116327",
    fixedBy(november2026),
    "a function that leaks can be called before policies have hidden a row",
  ),
  pastPolicies(
    "CVE-2026-120154",
    fixedBy(november2026),
    "conditions of ON CONFLICT DO UPDATE can see rows that policies hide",
  ),
  {
    severity: "advisory",
    minors: fixedBy(november2026),
    fault:
      "INSERT … ON CONFLICT DO UPDATE through a view changes rows that its WHERE hides (CVE-2026-16237)",
    why: "a view that shows a role some rows only does not keep it from the others",
    source: "https://www.postgresql.org/support/security/CVE-2026-16237/",
  },
  {
    severity: "advisory",
    minors: fixedBy(november2026),
    fault: "the index of a partitioned table can stay invalid after all partitions were attached",
    why: "a restore with several workers can fail at the foreign keys of partitioned tables",
    source: "https://www.postgresql.org/docs/release/15.20/",
  },
];

/** A fault that a version has, and the version that has it no more. */
export type FoundFault = KnownFault & { readonly fixedIn: string };

/**
 * The known faults of a version.
 * @param version as server_version_num has it: 140003 is 14.3
 */
export function faultsOf(version: number): FoundFault[] {
  const major = Math.floor(version / 10_000);
  const minor = version % 10_000;
  return knownFaults.flatMap((fault): FoundFault[] => {
    const affected = fault.minors[major];
    if (affected === undefined || minor < (affected.from ?? 0) || minor >= affected.fixed) {
      return [];
    }
    return [{ ...fault, fixedIn: `${major}.${affected.fixed}` }];
  });
}
