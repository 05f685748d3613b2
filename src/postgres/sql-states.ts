/** What a SQLSTATE means for whoever runs the stages. */
export type SqlState = {
  /** PostgreSQL's name of the condition. */
  readonly condition: string;
  /** What has happened, where the plan meets it. */
  readonly means: string;
  /** What to do about it. */
  readonly next: string;
};

const definitionChanged =
  "look what has changed in the schema since the plan was made; tenantry plan shows the plan of now";
const leftover =
  "tenantry check names what is in the way; rename it, or take another name in the configuration";
const fixRows = "fix the rows that the message names, then tenantry run again";
const attribute =
  'a source may tell no organization, as of a user who is in none or in several: fix the rows or memberships, or give the table unattributed: "default", then tenantry run again';
const makeRoom = "make room on the server, then tenantry run again";
const waitAndRepeat = "run the same command again when the server answers";

/**
 * The SQLSTATEs that the plan can meet, from PostgreSQL's Appendix A; the beginning of one stands
 * for all that begin so.
 */
export const sqlStates: Readonly<Record<string, SqlState>> = {
  "08": state("connection exception", "the connection to the server was lost", waitAndRepeat),
  "0A000": state(
    "feature not supported",
    "this server, or this kind of table, has no such command",
    "see what the message names; a table of that kind goes to exemptTables",
  ),
  "21000": state(
    "cardinality violation",
    "a query that gives a row its organization gave two",
    "make the source of the table unambiguous, then tenantry run again",
  ),
  "22": state("data exception", "a value cannot be what the statement makes of it", fixRows),
  "22P02": state(
    "invalid text representation",
    "a text is no key or number: a persona's identity, or a column of another type",
    "compare the types of identity.setting and of the users' key",
  ),
  "23502": state("not null violation", "a row has no value where one must be", attribute),
  "23503": state(
    "foreign key violation",
    "a row names an organization, or another row, that does not exist",
    fixRows,
  ),
  "23505": state("unique violation", "two rows have the same key", fixRows),
  "23514": state("check violation", "a row does not keep a constraint of its table", attribute),
  "23P01": state("exclusion violation", "two rows exclude each other", fixRows),
  "25006": state(
    "read only SQL transaction",
    "the server, the database or the role writes nothing",
    "connect to the primary, or set default_transaction_read_only off; tenantry check says which",
  ),
  "25P02": state(
    "in failed SQL transaction",
    "an earlier statement of the transaction had failed",
    "the log of the run has that statement",
  ),
  "25P03": state(
    "idle in transaction session timeout",
    "the server ended the session while it waited between two statements",
    "see whether a pooler sets the timeout, then tenantry run again",
  ),
  "26000": state(
    "invalid SQL statement name",
    "a pooler has given the session's statement to another server process",
    "connect to the database itself instead of the pooler",
  ),
  "28000": state(
    "invalid authorization",
    "the server lets this role in from nowhere, or not from here",
    "see pg_hba.conf, or the provider's list of networks",
  ),
  "28P01": state("invalid password", "the password is not the role's", "fix DATABASE_URL"),
  "2BP01": state(
    "dependent objects still exist",
    "something else has been made on what is to be dropped",
    "drop or change what the message names, then the same command again",
  ),
  "38": state("external routine exception", "a function of the application's failed", fixRows),
  "39": state(
    "external routine invocation exception",
    "a trigger of the application's gave back what no trigger may",
    "fix the trigger that the message names",
  ),
  "3D000": state("invalid catalog name", "there is no such database", "fix the URL"),
  "3F000": state("invalid schema name", "there is no such schema", definitionChanged),
  "40001": state(
    "serialization failure",
    "another transaction changed the same rows",
    "tenantry run again: it goes on where it stopped",
  ),
  "40P01": state(
    "deadlock detected",
    "a step and another transaction waited for each other, more often than it is tried",
    "tenantry run again when there are fewer writers",
  ),
  "42501": state(
    "insufficient privilege",
    "this role may not do that",
    "connect as the owner of the tables and of the schema tenantry; tenantry check says what is missing",
  ),
  "42601": state(
    "syntax error",
    "a piece of SQL in the configuration, such as a source's query, is not valid",
    "fix the SQL that the message shows",
  ),
  "42701": state("duplicate column", "the table has a column of that name already", leftover),
  "42703": state("undefined column", "a column is gone or was never there", definitionChanged),
  "42704": state("undefined object", "a type, role or index is gone", definitionChanged),
  "42710": state("duplicate object", "something of that name exists already", leftover),
  "42723": state("duplicate function", "a function of that name exists already", leftover),
  "42804": state(
    "datatype mismatch",
    "a column has another type than the plan needs",
    "compare the types of the users' key, of the memberships and of the organization's column",
  ),
  "42809": state(
    "wrong object type",
    "what was taken for a table is a view or something else",
    definitionChanged,
  ),
  "42830": state(
    "invalid foreign key",
    "what is referenced has no unique key",
    "make the key of the users' table a primary key or a unique constraint",
  ),
  "42883": state(
    "undefined function",
    "a function is gone, or takes other types",
    definitionChanged,
  ),
  "42P01": state("undefined table", "a table is gone, renamed or moved", definitionChanged),
  "42P05": state(
    "duplicate prepared statement",
    "a pooler has given this session another's server process",
    "connect to the database itself instead of the pooler",
  ),
  "42P06": state("duplicate schema", "a schema of that name exists already", leftover),
  "42P07": state("duplicate table", "a table or an index of that name exists already", leftover),
  "42P16": state(
    "invalid table definition",
    "the table cannot be changed so: it is a partition, or inherits",
    "name the parent in the configuration instead of its parts",
  ),
  "42P17": state(
    "invalid object definition",
    "a policy asks a table whose policy asks the first one again",
    "let the policy call the helper function instead; tenantry audit shows the policies",
  ),
  "44000": state(
    "with check option violation",
    "a view refuses the row that was written through it",
    fixRows,
  ),
  "53": state("insufficient resources", "the server is out of something", makeRoom),
  "53100": state("disk full", "the server's disk is full", makeRoom),
  "53200": state("out of memory", "the server is out of memory", makeRoom),
  "53300": state(
    "too many connections",
    "the server, the database or the role takes no more sessions; the message says which",
    "end sessions that are idle, or raise the limit that the message names (max_connections, or CONNECTION LIMIT of the role or the database), then run the same command again",
  ),
  "54": state(
    "program limit exceeded",
    "a row, a table or a statement is larger than PostgreSQL allows",
    "see what the message names",
  ),
  "54001": state(
    "statement too complex",
    "functions or policies call each other without end",
    "see which policy the message names; tenantry audit shows the policies",
  ),
  "54011": state(
    "too many columns",
    "the table has had 1,600 columns; dropped ones count",
    "make the table anew without its dropped columns",
  ),
  "55000": state(
    "object not in prerequisite state",
    "the object cannot be used so now, such as an index that is not valid, or a table without a replica identity",
    "tenantry check names it, with what fixes it",
  ),
  "55006": state(
    "object in use",
    "other sessions are using it",
    "end those sessions, then the same command again",
  ),
  "55P03": state(
    "lock not available",
    "another transaction held the lock for longer than a step waits",
    "end or wait for that transaction, then tenantry run again",
  ),
  "57014": state(
    "query canceled",
    "somebody cancelled the statement, or a timeout did",
    "tenantry run again: it goes on where it stopped",
  ),
  "57P": state("operator intervention", "the server ended the session", waitAndRepeat),
  "57P04": state("database dropped", "the database was dropped", "see who did it"),
  "58": state(
    "system error",
    "the server's disk or operating system failed",
    "see the server's log before anything else",
  ),
  P0: state(
    "PL/pgSQL error",
    "a trigger, an event trigger or a function of the application's refused",
    "fix or silence what the message names; tenantry check lists triggers and event triggers",
  ),
  XX: state(
    "internal error",
    "PostgreSQL met a fault of its own, or damaged data",
    "see the server's log, and check the table with pg_amcheck, before anything else",
  ),
};

function state(condition: string, means: string, next: string): SqlState {
  return { condition, means, next };
}

/** What is known of a SQLSTATE, else of its class; undefined where the plan cannot meet it. */
export function explainSqlState(code: string): SqlState | undefined {
  return sqlStates[code] ?? sqlStates[code.slice(0, 3)] ?? sqlStates[code.slice(0, 2)];
}
