import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import {
  type CopyStreamQuery,
  type CopyToStreamQuery,
  from as copyFrom,
  to as copyTo,
} from "pg-copy-streams";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Sql, toQuery } from "./sql.ts";

/** Where the database is: a URL, or nothing, for libpq's PG* variables and ~/.pgpass. */
export type Target = {
  readonly url: string | undefined;
  /** Another database of the same server. */
  readonly database?: string;
  /** What PGPASSWORD said: for a URL without a password, or none. */
  readonly password?: string | undefined;
};

/** What can be read and done in one database session, inside a transaction or outside. */
export type Queries = {
  /** Rows, each read through a zod schema: a catalog that answers otherwise is noticed here. */
  rows<Row extends z.ZodType>(statement: Sql, row: Row): Promise<z.output<Row>[]>;
  /** Runs a statement and tells how many rows it touched. */
  execute(statement: Sql): Promise<number>;
  /**
   * Runs COPY … TO STDOUT into the stream, and ends it; returns the rows. COPY takes no parameters.
   * Where the stream fails the session is closed: nothing else stops the server's COPY.
   */
  copyOut(statement: Sql, to: NodeJS.WritableStream): Promise<number>;
  /** Runs COPY … FROM STDIN from the stream; returns the rows. COPY takes no parameters. */
  copyIn(statement: Sql, from: NodeJS.ReadableStream): Promise<number>;
};

export type Session = Queries & {
  /** The server process of this session, as the server says. */
  readonly backend: number;
  /** Whether a pooler stands between: it tells its clients a process number of its own. */
  readonly pooled: boolean;
  /** Runs the work in one transaction: committed when it returns, rolled back when it throws. */
  transaction<Result>(
    work: (queries: Queries) => Promise<Result>,
    mode?: "read write" | "read only snapshot",
  ): Promise<Result>;
  /** Settings for the whole session; not to be used behind a pooler in transaction mode. */
  set(name: string, value: string): Promise<void>;
  close(): Promise<void>;
};

/** The five-character SQLSTATE of an error that the server sent, or undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const lockStates = new Set(["55P03", "40P01"]);

/** Whether trying again can help: lock not granted in time (55P03), or deadlock (40P01). */
export function isLockConflict(error: unknown): boolean {
  return lockStates.has(sqlState(error) ?? "");
}

/** Whether the connection is gone: the server restarted, the network failed, the backend was ended. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith("08") || /^57P0[1235]$/.test(state);
  return error instanceof ConnectionLost;
}

class ConnectionLost extends Error {}

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

function passwordOf(client: pg.Client): string | undefined {
  // The types promise a string, and it is null where there is none.
  const { password } = z.object({ password: z.string().nullish() }).parse(client);
  return password ?? undefined;
}

function clientFor(target: Target, options: pg.ClientConfig = {}): pg.Client {
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

function clientOptions({ url }: Target): pg.ClientConfig {
  if (url === undefined) return {};
  const options = { connectionString: url };
  if (/^postgres(ql)?:\/\//.test(url) && isReadable(options)) return options;
  throw new AppError({
    code: "USAGE",
    // It may hold a password, whatever it is: so it is not shown.
    object: "the database's URL",
    fault: "is none that PostgreSQL knows",
    state: "nothing was changed",
    next: "write postgresql://user@host:port/database in --url or DATABASE_URL",
  });
}

/** libpq takes URLs that no other URL is like (no host, a socket's folder): so the driver is asked. */
function isReadable(options: pg.ClientConfig): boolean {
  try {
    new pg.Client(options);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/**
 * Opens one session.
 * @throws AppError CONNECTION_FAILED when the server does not answer within ten seconds or refuses
 */
export async function openSession(
  target: Target,
  applicationName = "tenantry",
  settings: Readonly<Record<string, string>> = {},
): Promise<Session> {
  const client = clientFor(target, {
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  let lost: Error | undefined;
  // Without a listener, a connection that breaks while idle would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  try {
    await client.connect();
  } catch (error) {
    throw connectionFailed(target, error);
  }
  const [{ pid }] = z
    .tuple([z.object({ pid: z.number() })])
    .parse((await client.query("SELECT pg_backend_pid() AS pid")).rows);

  const { processID: announced } = z.object({ processID: z.number().nullable() }).parse(client);

  const failure = (error: unknown): unknown =>
    error instanceof pg.DatabaseError
      ? error
      : new ConnectionLost(lost?.message ?? String(error), { cause: error });
  const run = async (statement: Sql): Promise<pg.QueryResult> => {
    try {
      return await client.query(toQuery(statement));
    } catch (error) {
      throw failure(error);
    }
  };
  const copy = async (
    stream: CopyStreamQuery | CopyToStreamQuery,
    flow: () => Promise<void>,
  ): Promise<number> => {
    // The streams end before the server has told the rows and is ready for another query.
    const ready = readiness(client);
    let refused: unknown;
    // The server's errors come before the stream is destroyed; those of the other stream destroy it.
    stream.on("error", (error: unknown) => {
      if (!stream.destroyed) refused = failure(error);
    });
    try {
      await flow();
      await ready;
      return stream.rowCount;
    } catch (error) {
      if (refused instanceof pg.DatabaseError) await ready;
      if (refused !== undefined) throw refused;
      if (stream instanceof Readable) await client.end();
      throw error;
    }
  };
  const queries: Queries = {
    rows: async (statement, row) => z.array(row).parse((await run(statement)).rows),
    execute: async (statement) => (await run(statement)).rowCount ?? 0,
    copyOut(statement, to) {
      const stream = client.query(copyTo(toQuery(statement).text));
      return copy(stream, () => pipeline(stream, to));
    },
    copyIn(statement, from) {
      const stream = client.query(copyFrom(toQuery(statement).text));
      return copy(stream, () => pipeline(from, stream));
    },
  };
  const plain = (text: string): Sql => ({ parts: [text], values: [] });
  const session: Session = {
    ...queries,
    backend: pid,
    pooled: announced !== pid,
    async transaction(work, mode = "read write") {
      await run(plain(begin[mode]));
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await work(queries);
      } catch (error) {
        // The first error says what happened; a ROLLBACK on a lost connection can only fail too.
        await run(plain("ROLLBACK")).catch((failure: unknown) => {
          if (!isConnectionLoss(failure)) throw failure;
        });
        throw error;
      }
      await run(plain("COMMIT"));
      return result;
    },
    async set(name, value) {
      await run({ parts: ["SELECT set_config(", ", ", ", FALSE)"], values: [name, value] });
    },
    close: () => client.end(),
  };
  for (const [name, value] of Object.entries(settings)) await session.set(name, value);
  return session;
}

/** Until the server is ready for another query, or gone. */
function readiness(client: pg.Client): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      client.off("drain", done);
      client.off("end", done);
      resolve();
    };
    client.on("drain", done);
    client.on("end", done);
  });
}

const begin = {
  "read write": "BEGIN",
  "read only snapshot": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
} as const;

function connectionFailed(target: Target, error: unknown): AppError {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  return new AppError({
    code: "CONNECTION_FAILED",
    object: describeTarget(target),
    fault: `no connection: ${reason || "no answer"}`,
    state: "nothing was changed",
    next: "check --url, DATABASE_URL or the PG* variables, and that the server accepts this role",
    cause: error,
  });
}
