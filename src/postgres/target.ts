import pg from "pg";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { sqlState } from "./failures.ts";
import type { SqlValue } from "./sql.ts";
import { explainSqlState } from "./sql-states.ts";

/** Where the database is: a URL, or nothing, for libpq's PG* variables and ~/.pgpass. */
export type Target = {
  readonly url: string | undefined;
  /** Another database of the same server. */
  readonly database?: string;
  /** What PGPASSWORD said: for a URL without a password, or none. */
  readonly password?: string | undefined;
  /** Told of every statement of every session that is opened on it. */
  readonly observe?: StatementObserver;
};

/** A statement that the server has answered. */
export type ObservedStatement = {
  /** The application's name of its session. */
  readonly session: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly milliseconds: number;
  /** The SQLSTATE that it failed with; null where it did not, or the connection was lost. */
  readonly failedWith: string | null;
};

export type StatementObserver = (statement: ObservedStatement) => void;

/** What of a target may be shown: never the password. */
export function describeTarget(target: Target): string {
  const client = clientFor(target);
  return `${client.user ?? "?"}@${client.host}:${client.port}/${client.database ?? "?"}`;
}

/** The parts of a target that other programs (pg_dump) need. The password is for a passfile only. */
export function targetParts(target: Target): {
  host: string;
  port: number;
  user: string;
  database: string;
  password: string | undefined;
  sslMode: string | undefined;
} {
  const client = clientFor(target);
  return {
    host: client.host,
    port: client.port,
    user: client.user ?? "",
    database: client.database ?? "",
    password: passwordOf(client),
    sslMode: sslModeOf(target),
  };
}

function sslModeOf(target: Target): string | undefined {
  const query = target.url?.split("?")[1];
  return new URLSearchParams(query).get("sslmode") ?? process.env["PGSSLMODE"];
}

const parsedSchema = z.object({
  connectionParameters: z.object({ options: z.string().nullish() }),
});

/** The password that a client would give, or undefined. */
export function passwordOf(client: pg.Client): string | undefined {
  // The types promise a string, and it is null where there is none.
  const { password } = z.object({ password: z.string().nullish() }).parse(client);
  return password ?? undefined;
}

/** A client that is not connected yet. */
export function clientFor(target: Target, options: pg.ClientConfig = {}): pg.Client {
  const client = new pg.Client({ ...clientOptions(target), ...options });
  // The driver lets a URL without a password overrule the one in its options, but not this.
  if (target.password) client.password = passwordOf(client) ?? target.password;
  return target.database === undefined ? client : toDatabase(client, target.database, options);
}

/** The driver lets the URL's database overrule the one in its options. */
function toDatabase(client: pg.Client, database: string, options: pg.ClientConfig): pg.Client {
  const password = passwordOf(client);
  const { connectionParameters } = parsedSchema.parse(client);
  return new pg.Client({
    host: client.host,
    port: client.port,
    user: client.user,
    ...(password === undefined ? {} : { password }),
    ssl: client.ssl,
    ...(connectionParameters.options == null ? {} : { options: connectionParameters.options }),
    ...options,
    database,
  });
}

/** What libpq and the driver take; at another word in PGSSLMODE the driver connects in clear. */
const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

function clientOptions(target: Target): pg.ClientConfig {
  const { url } = target;
  const options = url === undefined ? {} : { connectionString: url };
  const readable = url === undefined || /^postgres(ql)?:\/\//.test(url);
  const fault = readable ? whyUnreadable(options) : "is none that PostgreSQL knows";
  const sslMode = fault === undefined ? sslModeOf(target) : undefined;
  const unknownMode = Boolean(sslMode) && !sslModes.includes(sslMode ?? "");
  if (fault === undefined && !unknownMode) return options;
  throw new AppError({
    code: "USAGE",
    // It may hold a password, whatever it is: so it is not shown.
    object: "the database's URL",
    fault: fault ?? `asks for an sslmode that is none: ${sslMode}`,
    state: "nothing was changed",
    next: unknownMode
      ? `write one of ${sslModes.join(", ")} in sslmode, or in PGSSLMODE`
      : "write postgresql://user@host:port/database in --url or DATABASE_URL",
  });
}

/** libpq takes URLs that no other URL is like (no host, a socket's folder): so the driver is asked. */
function whyUnreadable(options: pg.ClientConfig): string | undefined {
  try {
    new pg.Client(options);
    return undefined;
  } catch (error) {
    // A URIError is a per cent sign that begins no character: a password that was not encoded.
    if (error instanceof TypeError) return "is none that PostgreSQL knows";
    if (error instanceof URIError) return "holds a % that begins no encoded character (write %25)";
    // The driver reads sslrootcert, sslcert and sslkey at once.
    const unreadable = z.object({ syscall: z.string(), path: z.string() }).safeParse(error);
    if (!unreadable.success || !(error instanceof Error)) throw error;
    return `names a file that cannot be read: ${error.message}`;
  }
}

const tooManyConnections = "53300";

/** The error for a server that does not answer or refuses. */
export function connectionFailed(target: Target, error: unknown, state: string): AppError {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  return new AppError({
    code: "CONNECTION_FAILED",
    object: describeTarget(target),
    fault: `no connection: ${reason || "no answer"}`,
    state,
    next:
      (sqlState(error) === tooManyConnections
        ? explainSqlState(tooManyConnections)?.next
        : undefined) ??
      "check --url, DATABASE_URL or the PG* variables, and that the server accepts this role",
    cause: error,
  });
}
