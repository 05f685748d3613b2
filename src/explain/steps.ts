/** What a kind of step does, whatever its table is. */
export type StepExplanation = {
  readonly does: string;
  readonly lock: string;
  /** What is left if the run is killed during the step, and how the next run continues. */
  readonly killed: string;
  readonly undone: string;
};

const atomic =
  "nothing: the step and its row in the journal are committed in one transaction, or not at all";
const catalogOnly =
  "for a change of the catalog: it is held for milliseconds, and each attempt to get it waits no longer than online.lockTimeoutInMilliseconds";
const unnoticed = "SHARE UPDATE EXCLUSIVE: it blocks neither reads nor writes";
const noneToWaitFor = "none that another session waits for";
const interruptedBuild =
  "an invalid index, which the next run drops and builds again; or one that the server is still building, which the next run waits for";
const committedBatches =
  "the committed batches and the cursor in the journal, from which the next run continues";

/** By the last part of a step's identifier: `backfill` of `day1/leads/backfill`. */
export const stepExplanations: Readonly<Record<string, StepExplanation>> = {
  application: {
    does: "adds the organization to the application's queries, and runs the application's own checks (code.gates) before and after",
    lock: "none: it changes files, and nothing in the database",
    killed:
      "each file is in its old or its new state; tenantry run restores the old state and runs the step again",
    undone:
      "removes what the step changed from the files and keeps later edits; if both changed the same lines, it shows them and writes nothing",
  },
  organizations: {
    does: "creates the tables of organizations and of memberships",
    lock: `${noneToWaitFor}: the tables are new`,
    killed: atomic,
    undone: "drops both tables; rollback writes their rows to the backups' folder first",
  },
  "kept-organizations": {
    does: "restores the organizations and memberships that a rollback saved (run --attribution)",
    lock: noneToWaitFor,
    killed: atomic,
    undone: "with the tables",
  },
  helpers: {
    does: "creates the schema and the functions that the policies call: who the caller is, and of which organizations the caller is a member",
    lock: noneToWaitFor,
    killed: atomic,
    undone: "drops the functions and the schema",
  },
  joining: {
    does: "inserts the organizations, and adds a trigger on the users' table that makes new users members of the default organization until Day 3",
    lock: `SHARE ROW EXCLUSIVE on the users' table, ${catalogOnly}`,
    killed: atomic,
    undone: "drops the trigger and its function",
  },
  memberships: {
    does: "makes every existing user a member of an organization",
    lock: noneToWaitFor,
    killed: atomic,
    undone: "with the table",
  },
  policies: {
    does: "enables row-level security on organizations and memberships: members read their own, and no request can write them",
    lock: "ACCESS EXCLUSIVE on the new tables only",
    killed: atomic,
    undone: "restores the policies and grants from before",
  },
  column: {
    does: "adds the organization's column; if one organization has all rows, as a default, which writes no row",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "drops the column; rollback writes each row's organization to the backups' folder first",
  },
  index: {
    does: "builds an index that begins with the organization, with CREATE INDEX CONCURRENTLY",
    lock: unnoticed,
    killed: interruptedBuild,
    undone: "DROP INDEX, which takes ACCESS EXCLUSIVE on the table for a change of the catalog",
  },
  "parent-index": {
    does: "creates the index of a partitioned table with ON ONLY. The partitions' indexes are attached to it; a new partition gets its own at once",
    lock: `SHARE, which blocks writes, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP INDEX, which drops the attached indexes too",
  },
  "attach-index": {
    does: "attaches a partition's index to its parent's index, which becomes valid when every partition has one attached",
    lock: `ACCESS EXCLUSIVE on the partition's index, which blocks queries of that partition, ${catalogOnly}`,
    killed: atomic,
    undone: "with the parent's index",
  },
  "kept-rows": {
    does: "gives each row the organization that a rollback saved for it (run --attribution)",
    lock: "the rows of one batch",
    killed: committedBatches,
    undone: "with the column",
  },
  "kept-left-over": {
    does: "gives rows that were inserted during the backfill the organization that a rollback saved for them",
    lock: "the rows that it updates",
    killed: atomic,
    undone: "with the column",
  },
  backfill: {
    does: "gives each row its organization, in batches over ranges of pages, sized to online.batchTargetInMilliseconds",
    lock: "the rows of one batch",
    killed: committedBatches,
    undone: "with the column",
  },
  "left-over": {
    does: "gives their organization to rows of partitions that were attached after the plan was made",
    lock: "the rows that it finds by the index; usually there are none",
    killed: atomic,
    undone: "with the column",
  },
  constraints: {
    does: "adds CHECK (… IS NOT NULL) and the foreign key as NOT VALID: they hold for new rows from now on. On a partitioned table, each partition gets the foreign key",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "drops both",
  },
  validate: {
    does: "VALIDATE CONSTRAINT: scans all rows",
    lock: unnoticed,
    killed: atomic,
    undone: "with the constraints",
  },
  "parent-key": {
    does: "adds the foreign key of a partitioned table. PostgreSQL uses the partitions' validated foreign keys and scans no rows, except those of a partition attached later",
    lock: `SHARE ROW EXCLUSIVE on the table and its partitions, ACCESS EXCLUSIVE on the organizations, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP CONSTRAINT",
  },
  "not-null": {
    does: "SET NOT NULL, without a scan, because the validated CHECK proves it",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP NOT NULL",
  },
  fence: {
    does: "enables row-level security with its policies, on each partition too; revokes TRUNCATE, TRIGGER and REFERENCES, which row-level security does not limit",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "restores policies, grants and the row-level security flags from before",
  },
  "all-at-once": {
    does: "adds column, index and NOT NULL, backfills and enables row-level security on a small table, in one transaction",
    lock: "ACCESS EXCLUSIVE for the whole step; online.smallTableInBytes limits the table's size, and so the time",
    killed: atomic,
    undone: "undoes all of it in one transaction",
  },
  "organization-key": {
    does: "builds the unique index on organization and key that foreign keys reference (hardening)",
    lock: unnoticed,
    killed: interruptedBuild,
    undone: "DROP INDEX, when no foreign key references it any more",
  },
  "same-organization": {
    does: "checks that no row references a row of another organization, or a missing row, before anything is added",
    lock: unnoticed,
    killed: atomic,
    undone:
      "validates the old foreign key, which is added again by then; if rows violate it, it stays NOT VALID and the rollback continues",
  },
  "foreign-key-triggers": {
    does: "adds triggers that enforce for new writes what the new foreign key will, then proves it of all rows with a query; the old foreign key stays in force",
    lock: `SHARE ROW EXCLUSIVE on both tables, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP TRIGGER and DROP FUNCTION",
  },
  "foreign-key": {
    does: "drops the old foreign key and the triggers, and adds the one with the organization under the same name, NOT VALID: it enforces new writes, and the rows that exist are proven",
    lock: `ACCESS EXCLUSIVE on both tables, ${catalogOnly}`,
    killed: atomic,
    undone: "the other way round: the old one is added, NOT VALID, and the new one is dropped",
  },
  "validate-foreign-key": {
    does: "validates the new foreign key, so that PostgreSQL knows that it holds for all rows",
    lock: unnoticed,
    killed: atomic,
    undone: "nothing: the foreign key is dropped",
  },
  "unique-index": {
    does: "builds a unique index with the organization before its columns, with CREATE UNIQUE INDEX CONCURRENTLY (hardening)",
    lock: unnoticed,
    killed: interruptedBuild,
    undone: "DROP INDEX",
  },
  "unique-constraint": {
    does: "replaces the unique constraint or index over all organizations by that index, and keeps its name",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "builds the old one concurrently and replaces the new one by it. If two organizations share a value by then, a guard refuses the rollback; with --despite-guards it stays unique in each organization",
  },
  "old-policies": {
    does: "replaces old policies that allow every row by the plan's policies (hardening.policies)",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "creates the old ones again, with their roles, command, conditions and comment, and drops the plan's",
  },
  "security-invoker": {
    does: "sets security_invoker on a view, so that it reads with the privileges and the row-level security of its caller (hardening.views)",
    lock: `ACCESS EXCLUSIVE on the view, ${catalogOnly}`,
    killed: atomic,
    undone: "restores the view's options from before, in their order",
  },
  "close-materialized-view": {
    does: "revokes the privileges of requests on a materialized view, which holds rows of all organizations (hardening.materializedViews)",
    lock: "none",
    killed: atomic,
    undone: "grants the same privileges again",
  },
  "search-path": {
    does: "sets a search_path on a SECURITY DEFINER function: the schemas in which its names are found today, and pg_temp last (hardening.functions)",
    lock: "none",
    killed: atomic,
    undone: "resets the search_path; a function that was dropped since is skipped",
  },
  "revoke-execute": {
    does: "revokes EXECUTE of requests and PUBLIC on a function that runs as its owner; roles that bypass row-level security keep it (hardening.definerFunctions)",
    lock: "none",
    killed: atomic,
    undone: "grants the same again; a function that was dropped since is skipped",
  },
  guard: {
    does: "puts a check of the organization in the place of a function that runs as its owner, which then calls a copy of it in the helpers' schema (hardening.definerFunctions)",
    lock: "none",
    killed: atomic,
    undone:
      "restores the function's text and drops the copy; owner, grants, comment and dependencies stay",
  },
  "count-only": {
    does: "revokes the privileges with which requests can set or read a sequence; nextval still works (hardening.sequences)",
    lock: "none",
    killed: atomic,
    undone: "grants the same privileges again",
  },
  "close-new-tables": {
    does: "revokes the default privileges that requests would get on new tables (hardening.defaultPrivileges)",
    lock: "none",
    killed: atomic,
    undone: "grants the same default privileges again",
  },
  "profile-helpers": {
    does: "creates the functions that return the current user, and the members of the current user's organizations",
    lock: noneToWaitFor,
    killed: atomic,
    undone: "drops the functions",
  },
  profile: {
    does: "enables row-level security on a table with a row for each user: one's own row is read and changed, those of colleagues are read; revokes TRUNCATE, TRIGGER and REFERENCES",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "restores policies, grants and the row-level security flags from before",
  },
  share: {
    does: "makes a shared table read-only for requests; revokes TRUNCATE, TRIGGER and REFERENCES",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "restores policies, grants and the row-level security flags from before",
  },
  contract: {
    does: "removes the fallback to the default organization: from now on a writer without a user must name the organization",
    lock: "none",
    killed: atomic,
    undone: "restores the functions from before",
  },
};
