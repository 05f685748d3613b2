/** The ways in which tenants' data gets out, as a mutant names the one that it opens. */
export const leaks = {
  "row-security-off": "row-level security is off, or a new table never had it",
  "old-policy": "a permissive policy that is OR-ed with the plan's",
  tautology: "a condition that holds of every row",
  "anonymous-branch": "a condition that opens to whoever is nobody",
  "open-check": "WITH CHECK that takes every row",
  "blind-write": "a lax UPDATE or DELETE policy beside a strict one for SELECT",
  "membership-self-write": "users write their own membership",
  "forged-claims": "trust in metadata, a header or a setting that the client writes",
  "stale-claims": "an organization from a token whose user has left it",
  "immutable-helper": "a cached plan answers with another user's rows",
  "login-trusted": "trust in who logged in, which is one role for all requests",
  "setting-left": "a setting that stays in a pooled connection",
  "definer-view": "a view with its owner's eyes, also under another",
  "materialized-view": "a materialized view",
  "foreign-table": "a foreign table",
  "definer-function": "a function with its owner's rights: rows, counts, writes",
  "definer-trigger": "a trigger or a rule with its owner's rights",
  "partition-or-child": "a partition or an inheriting child that is read directly",
  truncate: "TRUNCATE or TRIGGER granted, which no policy is asked about",
  references: "REFERENCES, to ask whether a key exists",
  sequence: "a sequence that requests may read or set",
  "foreign-key": "a foreign key between tenant tables without the organization",
  unique: "a unique constraint over all tenants",
  "shared-table": "a table that all tenants share and may write",
  "null-organization": "rows of no organization",
  "constant-default": "a constant default organization once there are two",
  "role-bypass": "a role of requests that policies do not bind",
  leakproof: "a user's function that is called leakproof",
  "drop-cascade": "DROP … CASCADE that took policies along",
  realtime: "changes that are published past policies, and channels without any",
  storage: "files under a policy on the bucket only",
  "large-object": "large objects that the roles of requests share",
  "owner-jobs": "jobs, webhooks and functions that leave the transaction",
  "permissive-shards": "shards of Citus, on which a restrictive policy is a permissive one",
  "server-version": "a server with known faults of row-level security",
  "silent-fence": "no leak, but a fence that refuses everybody their own rows too",
  "slow-guard": "no leak, but a guard that is asked anew for each row",
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

/** The leaks that no broken fence of ours can hold, and why. */
export const notHeld: Partial<Readonly<Record<Leak, string>>> = {
  estimates: "the planner tells them of a whole fence too; no statement breaks or fixes it",
  "two-organizations": "whoever is a member of both may write in both; a whole fence lets them too",
  "public-bucket": "whether a bucket is meant to be public, no catalog tells",
  listen: "every role may LISTEN on a whole fence too; keep rows' contents out of NOTIFY",
  "service-key": "it is in the application's code, which a database does not hold",
};
