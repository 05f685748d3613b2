/** What a kind of step is, whatever its table. */
export type StepExplanation = {
  /** What it does. */
  readonly does: string;
  readonly lock: string;
  /** What a kill in the middle of it leaves, and how it goes on. */
  readonly killed: string;
  readonly undone: string;
};

const atomic = "nothing: the step and its row in the journal are one transaction";
const catalogOnly =
  "for a change of the catalog: milliseconds, and a step waits for it no longer than online.lockTimeoutInMilliseconds at a time";

/** By the last part of a step's identifier: `backfill` of `day1/leads/backfill`. */
export const stepExplanations: Readonly<Record<string, StepExplanation>> = {
  application: {
    does: "gives the application's queries their organization, between two runs of the application's own gates (code.gates)",
    lock: "none: it changes files, and nothing of the database",
    killed:
      "each file as it was or as it becomes; tenantry run puts them back and begins again, from the gates",
    undone:
      "what the step changed is taken out of the files, and what was changed since stays; where both changed the same lines, they are shown and nothing is written",
  },
  organizations: {
    does: "makes the table of organizations and that of their members",
    lock: "none that anybody waits for: the tables are new",
    killed: atomic,
    undone: "both tables are dropped; rollback writes their rows to the backups' folder first",
  },
  "kept-organizations": {
    does: "gives organizations and memberships back that a rollback had kept (run --attribution)",
    lock: "none that anybody waits for",
    killed: atomic,
    undone: "with the tables",
  },
  helpers: {
    does: "makes the schema of the functions that the policies call: who asks, and of which organizations",
    lock: "none that anybody waits for",
    killed: atomic,
    undone: "the functions and the schema are dropped",
  },
  joining: {
    does: "makes the organizations, and lets whoever signs up before Day 3 join the default one, by a trigger on the users' table",
    lock: `SHARE ROW EXCLUSIVE on the users' table, ${catalogOnly}`,
    killed: atomic,
    undone: "trigger and function are dropped",
  },
  memberships: {
    does: "makes every user who is there a member of an organization",
    lock: "none that anybody waits for",
    killed: atomic,
    undone: "with the table",
  },
  policies: {
    does: "fences organizations and memberships: members read theirs, and nobody writes them through the API",
    lock: "ACCESS EXCLUSIVE on the new tables only",
    killed: atomic,
    undone: "policies and grants are as before",
  },
  column: {
    does: "adds the organization's column; where one organization has all rows, as a default without writing any",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "the column is dropped; rollback writes which row was whose to the backups' folder first",
  },
  index: {
    does: "builds an index that begins with the organization, concurrently",
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed:
      "an invalid index, which the next run drops, or one that the server still builds, which it waits for",
    undone: "DROP INDEX CONCURRENTLY",
  },
  "parent-index": {
    does: "makes the index of a partitioned table by itself (ON ONLY): its partitions' are attached to it, and one that is made from then on gets its own at once",
    lock: `SHARE, which its writers wait for, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP INDEX, which takes along what is attached",
  },
  "attach-index": {
    does: "attaches a partition's index to its parent's, which is valid once each partition has one attached",
    lock: `ACCESS EXCLUSIVE on the partition's index, which queries of that partition wait for, ${catalogOnly}`,
    killed: atomic,
    undone: "with the parent's index",
  },
  "kept-rows": {
    does: "gives each row the organization that a rollback had kept for it (run --attribution)",
    lock: "the rows of one batch",
    killed: "the batches that were committed, and the cursor from which it goes on",
    undone: "with the column",
  },
  "kept-left-over": {
    does: "gives rows that were written meanwhile the organization that a rollback had kept for them",
    lock: "the rows that it changes",
    killed: atomic,
    undone: "with the column",
  },
  backfill: {
    does: "gives each row its organization, by ranges of pages that are sized to a target time",
    lock: "the rows of one batch",
    killed: "the batches that were committed, and the cursor from which it goes on",
    undone: "with the column",
  },
  "left-over": {
    does: "gives their organization to rows of partitions that were attached since the plan was made",
    lock: "the rows that it finds, by the index; as a rule there are none",
    killed: atomic,
    undone: "with the column",
  },
  constraints: {
    does: "adds CHECK … NOT NULL and the foreign key as NOT VALID: new rows keep them from now on; of a partitioned table, the foreign key is added to each partition",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "both are dropped",
  },
  validate: {
    does: "looks at all rows, so that PostgreSQL knows that the constraints hold",
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed: atomic,
    undone: "with the constraints",
  },
  "parent-key": {
    does: "adds the foreign key of a partitioned table: PostgreSQL takes its partitions' over, which are validated, and looks at no row; one that came meanwhile is looked at",
    lock: `SHARE ROW EXCLUSIVE on the table and its partitions, ACCESS EXCLUSIVE on the organizations, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP CONSTRAINT",
  },
  "not-null": {
    does: "SET NOT NULL, without a scan, since the validated CHECK says that it holds",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "DROP NOT NULL",
  },
  fence: {
    does: "row-level security with its policies, of a partition too, which has its own; takes away what passes it: TRUNCATE, TRIGGER, REFERENCES",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "policies, grants and the flag are as they were before",
  },
  "all-at-once": {
    does: "column, index, backfill, NOT NULL and fence of a small table in one transaction",
    lock: "ACCESS EXCLUSIVE for as long as it takes, which online.smallTableInBytes bounds",
    killed: atomic,
    undone: "all of it, in one transaction",
  },
  "organization-key": {
    does: "builds the unique index over organization and key that foreign keys reference (hardening)",
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed:
      "an invalid index, which the next run drops, or one that the server still builds, which it waits for",
    undone: "DROP INDEX, once nothing references it",
  },
  "same-organization": {
    does: "looks whether a row references a row of another organization, or no row at all, before anything is added",
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed: atomic,
    undone:
      "the old foreign key, which is there again by then, is validated; where rows violate it, it stays NOT VALID and the rollback continues",
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
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed: atomic,
    undone: "nothing: the foreign key is dropped",
  },
  "unique-index": {
    does: "builds a unique index with the organization before its columns, concurrently (hardening)",
    lock: "SHARE UPDATE EXCLUSIVE: readers and writers do not notice",
    killed:
      "an invalid index, which the next run drops, or one that the server still builds, which it waits for",
    undone: "DROP INDEX",
  },
  "unique-constraint": {
    does: "puts that index in the place of the one over all organizations, under its name",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "the old one is built concurrently and put back; a guard refuses where two organizations share a value by then, and with --despite-guards it stays unique in each organization",
  },
  "old-policies": {
    does: "puts the plan's policies in the place of old ones that let everybody through (hardening.policies)",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone:
      "the old ones are made again, with their roles, command, conditions and comment; the plan's are dropped",
  },
  "security-invoker": {
    does: "lets a view read as whoever asks it, and so under their row-level security (hardening.views)",
    lock: `ACCESS EXCLUSIVE on the view, ${catalogOnly}`,
    killed: atomic,
    undone: "the view's options are as they were before, in their order",
  },
  "close-materialized-view": {
    does: "takes from requests what they were granted on a materialized view, which holds the rows of all (hardening.materializedViews)",
    lock: "none",
    killed: atomic,
    undone: "the same is granted again",
  },
  "search-path": {
    does: "gives a function that runs as its owner a search_path of its own: the schemas that its names are found in today, and pg_temp last (hardening.functions)",
    lock: "none",
    killed: atomic,
    undone: "the function has none again; one that was dropped since is passed over",
  },
  "count-only": {
    does: "takes from requests what lets them set or read a sequence; they go on counting with it (hardening.sequences)",
    lock: "none",
    killed: atomic,
    undone: "the same is granted again",
  },
  "close-new-tables": {
    does: "takes from requests what they would be granted on tables that are made later (hardening.defaultPrivileges)",
    lock: "none",
    killed: atomic,
    undone: "the same is granted by default again",
  },
  share: {
    does: "makes a table that all organizations share read-only for requests; takes TRUNCATE, TRIGGER and REFERENCES away",
    lock: `ACCESS EXCLUSIVE, ${catalogOnly}`,
    killed: atomic,
    undone: "policies, grants and the flag are as they were before",
  },
  contract: {
    does: "takes the default organization away: from here on a writer who is nobody must say the organization",
    lock: "none",
    killed: atomic,
    undone: "the functions are as they were before",
  },
};
