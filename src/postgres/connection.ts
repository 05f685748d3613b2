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
import { requestCancel } from "./cancel.ts";
import { connect, disconnect } from "./connect.ts";
import { ConnectionLost, isConnectionLoss, sqlState } from "./failures.ts";
import { ident, literal, type Sql, sql, toQuery, toScript } from "./sql.ts";
import { clientFor, connectionFailed, type Target } from "./target.ts";

export {
  isConnectionLoss,
  isLockConflict,
  type RefusalSource,
  refusalSource,
  sqlState,
} from "./failures.ts";
export {
  describeTarget,
  type ObservedStatement,
  type StatementObserver,
  type Target,
  targetParts,
} from "./target.ts";

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
  /**
   * Runs the work in one transaction: committed when it returns, rolled back when it throws.
   * @param local settings for its length, which take no round trip of their own
   */
  transaction<Result>(
    work: (queries: Queries) => Promise<Result>,
    mode?: "read write" | "read only snapshot",
    local?: Readonly<Record<string, string>>,
  ): Promise<Result>;
  /** Settings for the whole session; not to be used behind a pooler in transaction mode. */
  set(name: string, value: string): Promise<void>;
  /** Asks the server to cancel the statement under way, which takes no session of its own. */
  cancel(): Promise<void>;
  /** Ends the session, within seconds also where the server does not answer; safe to call twice. */
  close(): Promise<void>;
};

/**
 * Opens one session, which must be closed: an open one keeps the process alive. So the product opens
 * sessions only through `withSessions`.
 * @param state what an error says of the state of things where the session is refused
 * @throws AppError CONNECTION_FAILED when the server does not answer within ten seconds or refuses
 */
export async function openSession(
  target: Target,
  applicationName = "tenantry",
  settings: Readonly<Record<string, string>> = {},
  state = "nothing was changed",
): Promise<Session> {
  const client = clientFor(target, {
    application_name: applicationName,
    keepAlive: true,
    // The kernel's own is two hours.
    keepAliveInitialDelayMillis: 30_000,
  });
  let lost: Error | undefined;
  // Without a listener, a connection that breaks while idle would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  const pid = await connect(client).catch((error: unknown) => {
    throw connectionFailed(target, error, state);
  });
  const { processID: announced } = z.object({ processID: z.number().nullable() }).parse(client);

  const failure = (error: unknown): unknown =>
    error instanceof pg.DatabaseError
      ? error
      : new ConnectionLost(lost?.message ?? String(error), { cause: error });
  const run = (statement: Sql): Promise<pg.QueryResult> =>
    observed(target, applicationName, statement, async () => {
      try {
        return await client.query(toQuery(statement));
      } catch (error) {
        throw failure(error);
      }
    });
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
      if (stream instanceof Readable) await disconnect(client);
      throw error;
    }
  };
  const queries: Queries = {
    rows: async (statement, row) => z.array(row).parse((await run(statement)).rows),
    execute: async (statement) => (await run(statement)).rowCount ?? 0,
    copyOut: (statement, to) =>
      observed(target, applicationName, statement, () => {
        const stream = client.query(copyTo(toQuery(statement).text));
        return copy(stream, () => pipeline(stream, to));
      }),
    copyIn: (statement, from) =>
      observed(target, applicationName, statement, () => {
        const stream = client.query(copyFrom(toQuery(statement).text));
        return copy(stream, () => pipeline(from, stream));
      }),
  };
  const plain = (text: string): Sql => ({ parts: [text], values: [] });
  const session: Session = {
    ...queries,
    backend: pid,
    pooled: announced !== pid,
    async transaction(work, mode = "read write", local = {}) {
      const set = Object.entries(local).map(
        ([name, value]) => sql`SET LOCAL ${ident(name)} = ${literal(value)}`,
      );
      let result: Awaited<ReturnType<typeof work>>;
      try {
        await run(plain([begin[mode], ...set.map(toScript)].join(";\n")));
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
    cancel: () => requestCancel(client),
    close: () => disconnect(client),
  };
  try {
    // From PostgreSQL 17; a database's own would end a build or a dump midway.
    await run(
      plain(
        "SELECT set_config(name, '0', FALSE) FROM pg_settings WHERE name = 'transaction_timeout'",
      ),
    );
    for (const [name, value] of Object.entries(settings)) await session.set(name, value);
  } catch (error) {
    // Nobody else could close it, and an open connection keeps the process alive.
    await disconnect(client);
    throw error;
  }
  return session;
}

/** Runs a statement and tells whoever observes the target what it was and how long it took. */
async function observed<Result>(
  { observe }: Target,
  session: string,
  statement: Sql,
  work: () => Promise<Result>,
): Promise<Result> {
  if (observe === undefined) return work();
  const started = performance.now();
  const tell = (failedWith: string | null): void => {
    const milliseconds = Math.round(performance.now() - started);
    const { text, values } = toQuery(statement);
    observe({ session, text, values, milliseconds, failedWith });
  };
  try {
    const result = await work();
    tell(null);
    return result;
  } catch (error) {
    // A connection that is lost has no SQLSTATE of the server; this is PostgreSQL's for it.
    tell(sqlState(error) ?? "08006");
    throw error;
  }
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
  // A database may have another isolation as its default, under which a batch fails on what others write.
  "read write": "BEGIN ISOLATION LEVEL READ COMMITTED",
  "read only snapshot": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
} as const;
