import { august2026, type Minors, november2026 } from "./minors.ts";

type Affected = Readonly<Record<number, { readonly from?: number; readonly fixed: number }>>;

export type KnownFault = {
  readonly severity: "blocking" | "advisory";
  /** By major version: the minor that fixed it, and the minor that introduced it if not the first. */
  readonly minors: Affected;
  readonly fault: string;
  /** The CVE, if row-level security itself can be bypassed. */
  readonly pastPolicies?: `CVE-${number}-${number}`;
  readonly why: string;
  /** The page of postgresql.org about it. */
  readonly source: string;
};

const november2024: Affected = {
  14: { fixed: 14 },
  15: { fixed: 9 },
  16: { fixed: 5 },
  17: { fixed: 1 },
};

/** Bugs that the minor releases of one day fixed. */
function fixedBy(minors: Minors): Affected {
  return Object.fromEntries(Object.entries(minors).map(([major, fixed]) => [major, { fixed }]));
}

/** A bug by which rows can be read or written despite policies. */
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
    why: "tenants are isolated by policies",
    source: `https://www.postgresql.org/support/security/${name}/`,
  };
}

/** Bugs of PostgreSQL that affect the stages. */
const knownFaults: readonly KnownFault[] = [
  {
    severity: "blocking",
    minors: { 14: { fixed: 4 } },
    fault: "CREATE INDEX CONCURRENTLY can build an index with missing rows",
    why: "the stages build indexes concurrently, and queries that use them would miss rows of a tenant",
    source: "https://www.postgresql.org/docs/release/14.4/",
  },
  pastPolicies(
    "CVE-2023-2455",
    { 14: { fixed: 8 }, 15: { fixed: 3 } },
    "policies of another role can be applied when a function is inlined",
  ),
  pastPolicies("CVE-2023-39418", { 15: { fixed: 4 } }, "MERGE does not apply all policies"),
  pastPolicies(
    "CVE-2024-10976",
    november2024,
    "policies of another role can be applied in a subquery",
  ),
  {
    severity: "advisory",
    minors: november2024,
    fault:
      "an in-place update of the catalog can be lost when GRANT runs at the same time, and with it the mark that a table has an index",
    why: "writers would not update the new index; the stages build indexes while the application writes",
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
    why: "a role that should become the tables' owner this way connects without becoming it",
    source: "https://www.postgresql.org/docs/release/17.2/",
  },
  pastPolicies(
    "CVE-2025-8713",
    { 14: { fixed: 19 }, 15: { fixed: 14 }, 16: { fixed: 10 }, 17: { fixed: 6 } },
    "the planner's statistics reveal values of rows that policies hide",
  ),
  pastPolicies(
    "CVE-2026-14666",
    fixedBy(august2026),
    "a cached plan keeps using the policies from before a change of role",
  ),
  pastPolicies(
    "CVE-2026-116311",
    fixedBy(november2026),
    "DROP OWNED BY removes a role from restrictive policies that name it",
  ),
  pastPolicies(
    "CVE-2026-116327",
    fixedBy(november2026),
    "a leaky function can be called on rows before policies hide them",
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
      "INSERT … ON CONFLICT DO UPDATE through a view can change rows that its WHERE hides (CVE-2026-16237)",
    why: "a view that shows a role only some rows does not protect the other rows",
    source: "https://www.postgresql.org/support/security/CVE-2026-16237/",
  },
  {
    severity: "advisory",
    minors: fixedBy(november2026),
    fault:
      "an index of a partitioned table can stay invalid after the indexes of all partitions are attached",
    why: "a parallel restore can fail at the foreign keys of partitioned tables",
    source: "https://www.postgresql.org/docs/release/15.20/",
  },
];

/** A bug that a version has, and the version that fixes it. */
export type FoundFault = KnownFault & { readonly fixedIn: string };

/**
 * The known bugs of a version.
 * @param version as in server_version_num: 140003 is 14.3
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
