/** What a SQLSTATE means for a person who runs the stages. */
export type SqlState = {
  /** PostgreSQL's name of the condition. */
  readonly condition: string;
  /** What has happened, in the context of a stage. */
  readonly means: string;
  /** What to do about it. */
  readonly next: string;
};

const definitionChanged =
  "compare the schema with the plan: it has changed since the plan was made. tenantry plan shows the current plan";
const nameTaken =
  "run tenantry check: it names the existing object. Rename that object, or set another name in the configuration";
const fixRows = "fix the rows that the message names, then run tenantry run again";
const attributeRows =
  'fix the rows or memberships (a source gives no organization for a user with no membership, or with several), or set unattributed: "default" for the table; then run tenantry run again';
const freeResources =
  "free the resource that the message names on the server, then run tenantry run again";
const waitForServer = "run the same command again when the server answers";
const bypassPooler = "connect to the server itself instead of the pooler";

/**
 * The SQLSTATEs that the stages can meet, from PostgreSQL's Appendix A. A key of two or three
 * characters stands for every SQLSTATE that begins with it.
 */
export const sqlStates: Readonly<Record<string, SqlState>> = {
  "08": state("connection exception", "the connection to the server was lost", waitForServer),
  "0A000": state(
    "feature not supported",
    "this server version, or this kind of relation, does not support the command",
    "read which object the message names; if it is a kind of table that is not supported, name it in exemptTables",
  ),
  "21000": state(
    "cardinality violation",
    "the query that gives a row its organization returned more than one",
    "change the table's source so that it returns one organization, then run tenantry run again",
  ),
  "22": state("data exception", "a value is invalid for its type or for the operation", fixRows),
  "22P02": state(
    "invalid text representation",
    "a text cannot be converted to a number, a uuid or another type: a user id of a persona, or a value of a column",
    "compare the type of identity.setting with the type of the users' key",
  ),
  "23502": state(
    "not null violation",
    "a row has NULL in a column that must not be NULL",
    attributeRows,
  ),
  "23503": state(
    "foreign key violation",
    "a row refers to an organization or another row that does not exist",
    fixRows,
  ),
  "23505": state("unique violation", "two rows have the same key", fixRows),
  "23514": state(
    "check violation",
    "a row violates a CHECK constraint of its table",
    attributeRows,
  ),
  "23P01": state("exclusion violation", "two rows conflict under an exclusion constraint", fixRows),
  "25006": state(
    "read only SQL transaction",
    "the server is a standby, or transactions of the database or the role are read-only",
    "connect to the primary, or set default_transaction_read_only = off; tenantry check says which",
  ),
  "25P02": state(
    "in failed SQL transaction",
    "an earlier statement of the same transaction failed",
    "find the earlier statement in the log of the run",
  ),
  "25P03": state(
    "idle in transaction session timeout",
    "the server ended the session because its transaction was idle for too long between two statements",
    "check whether a pooler sets idle_in_transaction_session_timeout, then run tenantry run again",
  ),
  "26000": state(
    "invalid SQL statement name",
    "a pooler sent the statement to another server session, which does not know it",
    bypassPooler,
  ),
  "28000": state(
    "invalid authorization specification",
    "the server does not accept this role from this address, or the role does not exist",
    "check pg_hba.conf, or the provider's list of allowed networks",
  ),
  "28P01": state("invalid password", "the password is wrong for this role", "fix DATABASE_URL"),
  "2BP01": state(
    "dependent objects still exist",
    "another object depends on the object that the step drops",
    "drop or change the dependent object that the message names, then run the same command again",
  ),
  "38": state("external routine exception", "a function of the application failed", fixRows),
  "39": state(
    "external routine invocation exception",
    "a trigger function of the application returned an invalid value",
    "fix the trigger that the message names",
  ),
  "3D000": state(
    "invalid catalog name",
    "the database does not exist",
    "fix the database's name in the URL",
  ),
  "3F000": state("invalid schema name", "the schema does not exist", definitionChanged),
  "40001": state(
    "serialization failure",
    "another transaction changed the same rows",
    "run tenantry run again",
  ),
  "40P01": state(
    "deadlock detected",
    "a step and another transaction blocked each other, in every attempt",
    "run tenantry run again when there are fewer writers",
  ),
  "42501": state(
    "insufficient privilege",
    "the connected role does not have the privilege",
    "connect as the owner of the tables and of the schema tenantry; tenantry check names the missing privileges",
  ),
  "42601": state(
    "syntax error",
    "SQL in the configuration has a syntax error, for example the SQL of a table's source",
    "fix the SQL that the message shows",
  ),
  "42701": state("duplicate column", "the table already has a column of that name", nameTaken),
  "42703": state("undefined column", "a column does not exist", definitionChanged),
  "42704": state(
    "undefined object",
    "a type, a role, an index or another object does not exist",
    definitionChanged,
  ),
  "42710": state("duplicate object", "an object of that name already exists", nameTaken),
  "42723": state(
    "duplicate function",
    "a function of that name and arguments already exists",
    nameTaken,
  ),
  "42804": state(
    "datatype mismatch",
    "a column has another type than the step needs",
    "compare the types of the users' key, of user_id in the memberships, and of the organization column",
  ),
  "42809": state(
    "wrong object type",
    "the relation is not a table but a view or something else",
    definitionChanged,
  ),
  "42830": state(
    "invalid foreign key",
    "the referenced columns have no primary key or unique constraint",
    "add a primary key or a unique constraint to the key of the users' table",
  ),
  "42883": state(
    "undefined function",
    "a function does not exist, or has other argument types",
    definitionChanged,
  ),
  "42P01": state("undefined table", "a table does not exist or was renamed", definitionChanged),
  "42P05": state(
    "duplicate prepared statement",
    "a pooler sent the statement to a server session of another client",
    bypassPooler,
  ),
  "42P06": state("duplicate schema", "a schema of that name already exists", nameTaken),
  "42P07": state("duplicate table", "a table or an index of that name already exists", nameTaken),
  "42P16": state(
    "invalid table definition",
    "the table cannot be changed directly because it is a partition or inherits from another table",
    "name the parent table in the configuration instead",
  ),
  "42P17": state(
    "invalid object definition",
    "infinite recursion in policies: a policy reads a table whose policy reads the first table again",
    "call the helper function in the policy instead of reading the table; tenantry audit shows the policies",
  ),
  "44000": state(
    "with check option violation",
    "a view with CHECK OPTION refused a row that was written through it",
    fixRows,
  ),
  "53": state(
    "insufficient resources",
    "the server does not have enough of a resource",
    freeResources,
  ),
  "53100": state(
    "disk full",
    "the server's disk is full",
    "free disk space on the server, then run tenantry run again",
  ),
  "53200": state(
    "out of memory",
    "the server is out of memory",
    "free memory on the server, then run tenantry run again",
  ),
  "53300": state(
    "too many connections",
    "the server, the database or the role has reached its connection limit; the message says which",
    "end idle sessions, or raise the limit that the message names (max_connections, or CONNECTION LIMIT of the role or the database), then run the same command again",
  ),
  "54": state(
    "program limit exceeded",
    "a row, a table or a statement is larger than PostgreSQL allows",
    "read which limit the message names",
  ),
  "54001": state(
    "statement too complex",
    "the stack depth limit was exceeded: functions or policies call each other without end",
    "find the function or policy in the message; tenantry audit shows the policies",
  ),
  "54011": state(
    "too many columns",
    "the table has reached the limit of 1,600 columns; dropped columns count",
    "create the table again without the dropped columns, for example by dump and restore",
  ),
  "55000": state(
    "object not in prerequisite state",
    "the object is in a state that does not allow the command, for example an invalid index, or a published table without a replica identity",
    "run tenantry check: it names the object and the fix",
  ),
  "55006": state(
    "object in use",
    "other sessions are using the object",
    "end those sessions, then run the same command again",
  ),
  "55P03": state(
    "lock not available",
    "another transaction held the lock for longer than lock_timeout",
    "end that transaction or wait for it, then run tenantry run again",
  ),
  "57014": state(
    "query canceled",
    "the statement was canceled by a user, or by statement_timeout",
    "run tenantry run again",
  ),
  "57P": state(
    "operator intervention",
    "the server ended the session: an administrator, a shutdown, or a crash of another server process",
    waitForServer,
  ),
  "57P04": state(
    "database dropped",
    "the database was dropped",
    "find out who dropped it; tenantry backup list shows the backups",
  ),
  "58": state(
    "system error",
    "the server's disk or operating system failed",
    "read the server's log before you do anything else",
  ),
  P0: state(
    "PL/pgSQL error",
    "a trigger, an event trigger or a function of the application raised an error",
    "fix or disable what the message names; tenantry check lists triggers and event triggers",
  ),
  XX: state(
    "internal error",
    'PostgreSQL reported an internal error or corrupted data; if the message is "cache lookup failed" or "could not open relation with OID", another session changed or dropped an object while it was read',
    "run the same command again; for any other message, read the server's log and check the table with pg_amcheck before you do anything else",
  ),
};

/** What an internal error (XX000) means whose message shows that the catalog changed while it was read. */
export const changedMeanwhile: SqlState = state(
  "internal error",
  "another session changed or dropped the object while it was read",
  "run the same command again; nothing is damaged",
);

function state(condition: string, means: string, next: string): SqlState {
  return { condition, means, next };
}

/** The explanation of a SQLSTATE, or of its class; undefined if the stages cannot meet it. */
export function explainSqlState(code: string): SqlState | undefined {
  return sqlStates[code] ?? sqlStates[code.slice(0, 3)] ?? sqlStates[code.slice(0, 2)];
}
