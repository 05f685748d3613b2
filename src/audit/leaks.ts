/** The ways in which tenants' data leaks; each mutant names the one that it opens. */
export const leaks = {
  "row-security-off": "row-level security is off, or a new table never had it",
  "old-policy": "a permissive policy that is OR-ed with the plan's",
  tautology: "a condition that is true of every row",
  "anonymous-branch": "a condition that is true for requests without a user",
  "open-check": "WITH CHECK that accepts every row",
  "blind-write": "a lax UPDATE or DELETE policy beside a strict one for SELECT",
  "membership-self-write": "users write their own membership",
  "forged-claims": "trust in metadata, a header or a setting that the client writes",
  "stale-claims": "an organization from a token whose user has left it",
  "immutable-helper": "a cached plan answers with another user's rows",
  "login-trusted": "trust in the login role, which is the same for all requests",
  "setting-left": "a setting that stays in a pooled connection",
  "definer-view": "a view that reads as its owner, also below another view",
  "materialized-view": "a materialized view",
  "foreign-table": "a foreign table",
  "definer-function": "a function with its owner's rights: rows, counts, writes",
  "definer-trigger": "a trigger or a rule with its owner's rights",
  "partition-or-child": "a partition or an inheriting child that is read by its own name",
  truncate: "TRUNCATE or TRIGGER granted, to which no policy applies",
  references: "REFERENCES, to ask whether a key exists",
  sequence: "a sequence that requests may read or set",
  "foreign-key": "a foreign key between tenant tables without the organization",
  "key-oracle": "an answer that tells another tenant's key from one that does not exist",
  "crossing-rows": "rows in another organization than the row that they reference",
  unique: "a unique constraint over all tenants",
  "shared-table": "a shared table that tenants may write",
  "null-organization": "rows of no organization",
  "constant-default": "a constant default organization once there are two",
  "role-bypass": "a role of requests that policies do not bind",
  leakproof: "a user's function marked LEAKPROOF",
  "drop-cascade": "DROP … CASCADE that took policies along",
  realtime: "changes that are published without policies, and channels without policies",
  storage: "files under a policy on the bucket only",
  "large-object": "large objects that the roles of requests share",
  "owner-jobs": "jobs, webhooks and functions that leave the transaction",
  "permissive-shards": "shards of Citus, on which a restrictive policy is permissive",
  "server-version": "a server with known faults of row-level security",
  "silent-fence": "no leak, but a fence that refuses members their own rows",
  "slow-guard": "no leak, but a guard that is evaluated for each row",
  estimates: "row estimates and statistics that tell how many rows others have",
  "two-organizations": "a user of two organizations moves rows from one to the other",
  "public-bucket": "a public bucket",
  listen: "LISTEN, which needs no privilege",
  "service-key": "the service role's key in code that answers users",
} as const;

export type Leak = keyof typeof leaks;

export const leakNames: readonly Leak[] = Object.keys(leaks).filter(
  (name): name is Leak => name in leaks,
);

/** The leaks that no mutant can open, and why. */
export const notHeld: Partial<Readonly<Record<Leak, string>>> = {
  estimates: "the planner shows them with an unbroken fence too; no statement breaks or fixes it",
  "two-organizations":
    "a member of both organizations may write in both; an unbroken fence allows it too",
  "public-bucket": "the catalog does not say whether a bucket is meant to be public",
  listen: "every role may LISTEN with an unbroken fence too; keep rows' contents out of NOTIFY",
  "service-key": "it is in the application's code, which a database does not hold",
};
