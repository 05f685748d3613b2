import pg from "pg";
import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { sqlState } from "./failures.ts";
import type { SqlValue } from "./sql.ts";
import { explainSqlState } from "./sql-states.ts";

/** Which database to connect to: a URL, or undefined for libpq's PG* variables and ~/.pgpass. */
export type Target = {
  readonly url: string | undefined;
  /** Another database of the same server. */
  readonly database?: string;
  /** The value of PGPASSWORD, for a URL without a password. */
  readonly password?: string | undefined;
  /** Called for every statement of every session that is opened on it. */
  readonly observe?: StatementObserver;
};

/** A statement that the server has answered. */
export type ObservedStatement = {
  /** The application_name of its session. */
  readonly session: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly milliseconds: number;
  /** The SQLSTATE that it failed with (08006 for a lost connection); null if it succeeded. */
  readonly failedWith: string | null;
};

export type StatementObserver = (statement: ObservedStatement) => void;

/** A target for messages, without the password. */
export function describeTarget(target: Target): string {
  const client = clientFor(target);
  return `${client.user ?? "?"}@${client.host}:${client.port}/${client.database ?? "?"}`;
}

/** The parts of a target that other programs (pg_dump) need. Pass the password in a passfile only. */
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

/** The password that a client would send, or undefined. */
export function passwordOf(client: pg.Client): string | undefined {
  // The types say string, but it is null without a password.
  const { password } = z.object({ password: z.string().nullish() }).parse(client);
  return password ?? undefined;
}

/** A client that is not connected yet. */
export function clientFor(target: Target, options: pg.ClientConfig = {}): pg.Client {
  const client = new pg.Client({ ...clientOptions(target), ...options });
  // A URL without a password overrides the password in the driver's options, but not this property.
  if (target.password) client.password = passwordOf(client) ?? target.password;
  return target.database === undefined ? client : toDatabase(client, target.database, options);
}

/** In the driver, the database of the URL overrides the one in the options. */
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

/** What libpq and the driver accept; for any other value of PGSSLMODE the driver connects without TLS. */
const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

function clientOptions(target: Target): pg.ClientConfig {
  const { url } = target;
  const options = url === undefined ? {} : { connectionString: url };
  const readable = url === undefined || /^postgres(ql)?:\/\//.test(url);
  const fault = readable ? whyUnreadable(options) : "is not a valid PostgreSQL URL";
  const sslMode = fault === undefined ? sslModeOf(target) : undefined;
  const unknownMode = Boolean(sslMode) && !sslModes.includes(sslMode ?? "");
  if (fault === undefined && !unknownMode) return options;
  throw new AppError({
    code: "USAGE",
    // It can contain a password, so it is not shown.
    object: "the database's URL",
    fault: fault ?? `has an unknown sslmode: ${sslMode}`,
    state: "nothing was changed",
    next: unknownMode
      ? `set sslmode, or PGSSLMODE, to one of ${sslModes.join(", ")}`
      : "set --url or DATABASE_URL to postgresql://user@host:port/database",
  });
}

/** libpq accepts URLs that a URL parser does not (no host, the folder of a socket), so the driver parses it. */
function whyUnreadable(options: pg.ClientConfig): string | undefined {
  try {
    new pg.Client(options);
    return undefined;
  } catch (error) {
    // A URIError is a percent sign without two hexadecimal digits: a password that was not encoded.
    if (error instanceof TypeError) return "is not a valid PostgreSQL URL";
    if (error instanceof URIError)
      return "contains a % that is not part of an encoded character (write %25)";
    // The driver reads the files of sslrootcert, sslcert and sslkey here.
    const unreadable = z.object({ syscall: z.string(), path: z.string() }).safeParse(error);
    if (!unreadable.success || !(error instanceof Error)) throw error;
    return `names a file that cannot be read: ${error.message}`;
  }
}

const tooManyConnections = "53300";

/** The error for a server that does not answer, or that refuses the connection. */
export function connectionFailed(target: Target, error: unknown, state: string): AppError {
  const reason = messageOf(error) || (error instanceof Error ? error.name : "no answer");
  return new AppError({
    code: "CONNECTION_FAILED",
    object: describeTarget(target),
    fault: `no connection: ${reason}`,
    state,
    next:
      (sqlState(error) === tooManyConnections
        ? explainSqlState(tooManyConnections)?.next
        : undefined) ??
      "check --url, DATABASE_URL or the PG* variables, and whether the server accepts this role",
    cause: error,
  });
}
