import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { requestCancel } from "./cancel.ts";
import { connect, disconnect, type ServerProcess } from "./connect.ts";
import { isConnectionLoss } from "./failures.ts";
import type { Queries, Session, TransactionMode } from "./session.ts";
import { ident, literal, raw, type Sql, sql, together } from "./sql.ts";
import { type Connection, queriesOn, type Run, runOn } from "./statements.ts";
import { clientFor, connectionFailed, type Target } from "./target.ts";

export {
  ConnectionLost,
  explainRefusal,
  isConcurrentChange,
  isConnectionLoss,
  isLockConflict,
  isTransient,
  type RefusalSource,
  refusalSource,
  sqlState,
} from "./failures.ts";
export type { Queries, Session } from "./session.ts";
export {
  describeTarget,
  type ObservedStatement,
  type StatementObserver,
  type Target,
  targetParts,
} from "./target.ts";

/**
 * Opens one session, which must be closed: an open one keeps the process alive. So the product opens
 * sessions only through `withSessions`.
 * @param state the state that an error reports if the session is refused
 * @throws AppError CONNECTION_FAILED if the server does not answer within ten seconds or refuses
 */
export async function openSession(
  target: Target,
  applicationName = "tenantry",
  settings: Readonly<Record<string, string>> = {},
  state = "nothing was changed",
): Promise<Session> {
  const opened = await openConnection(target, applicationName, state);
  const session = sessionOn(opened, { target, applicationName, ...opened });
  try {
    // From PostgreSQL 17: a transaction_timeout of the role or the database would end a build or a dump.
    await session.always(async (queries) => {
      await queries.execute(
        sql`SELECT set_config(name, '0', FALSE) FROM pg_settings WHERE name = 'transaction_timeout'`,
      );
    });
    for (const [name, value] of Object.entries(settings)) await session.set(name, value);
  } catch (error) {
    // The caller has no session to close, and an open connection keeps the process alive.
    await session.close();
    throw error;
  }
  return session;
}

/** A connection, and the server process at its other end. */
type Opened = Pick<Connection, "client" | "lostWith"> &
  Pick<Session, "pooled"> & { readonly server: ServerProcess };

async function openConnection(
  target: Target,
  applicationName: string,
  state: string,
): Promise<Opened> {
  const client = clientFor(target, {
    application_name: applicationName,
    keepAlive: true,
    // The kernel's default is two hours; after this, it asks ten times, once a second.
    keepAliveInitialDelayMillis: 10_000,
  });
  let lost: Error | undefined;
  // Without a listener, a connection that breaks while idle would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  client.on("end", () => {
    lost ??= new Error("the connection has ended");
  });
  const server = await connect(client).catch((error: unknown) => {
    throw connectionFailed(target, error, state);
  });
  const { processID: announced } = z.object({ processID: z.number().nullable() }).parse(client);
  return { client, lostWith: () => lost, server, pooled: announced !== server.pid };
}

function sessionOn(opened: Opened, connection: Connection): Session {
  let { server, pooled } = opened;
  let closed = false;
  const run = runOn(connection);
  const queries = queriesOn(connection, run);
  const repeated = new Set<(queries: Queries) => Promise<void>>();
  const abandon = () => connection.client.connection.stream.destroy();
  const always: Session["always"] = async (work) => {
    repeated.add(work);
    await work(queries);
    return () => repeated.delete(work);
  };
  return {
    ...queries,
    get backend() {
      return server.pid;
    },
    get pooled() {
      return pooled;
    },
    transaction: (work, mode = "read write", local = {}) =>
      inTransaction(run, mode, local, () => work(queries)),
    async set(name, value) {
      await always(async () => {
        await run(sql`SELECT set_config(${name}, ${value}, FALSE)`);
      });
    },
    always,
    async reconnect() {
      if (closed || (await answers(connection))) return;
      abandon();
      const { target, applicationName } = connection;
      const before = server;
      const again = await openConnection(target, applicationName, "what was committed stays");
      ({ client: connection.client, lostWith: connection.lostWith, server, pooled } = again);
      // The work can have ended while the server was waited for.
      if (closed) return disconnect(connection.client);
      await run(endProcess(before));
      for (const work of repeated) await work(queries);
    },
    get waitingSince() {
      return connection.waitingSince;
    },
    cancel: () => requestCancel(connection.client),
    abandon,
    close: () => {
      closed = true;
      return disconnect(connection.client);
    },
  };
}

/**
 * Ends the server process of a connection that was given up, and waits for it: a statement that is still
 * on its way must not be executed after those of the new connection.
 */
function endProcess({ pid, started }: ServerProcess): Sql {
  return sql`
    SELECT pg_terminate_backend(a.pid, ${answerTimeoutInMilliseconds}::bigint)
      FROM pg_stat_activity a
     WHERE a.pid = ${pid}
       AND a.backend_start = ${started}::timestamptz
  `;
}

const answerTimeoutInMilliseconds = 10_000;

/** Whether the server still answers on a connection; no answer within ten seconds is none. */
async function answers({ client, lostWith }: Connection): Promise<boolean> {
  if (lostWith() !== undefined) return false;
  const timer = new AbortController();
  try {
    return await Promise.race([
      client.query("SELECT 1").then(
        () => true,
        () => false,
      ),
      sleep(answerTimeoutInMilliseconds, false, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}

async function inTransaction<Result>(
  run: Run,
  mode: TransactionMode,
  local: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  const settings = Object.entries(local).map(
    ([name, value]) => sql`SET LOCAL ${ident(name)} = ${literal(value)}`,
  );
  let result: Result;
  try {
    await run(together([raw(begin[mode]), ...settings]));
    result = await work();
  } catch (error) {
    // The first error is the cause; a ROLLBACK on a lost connection can only fail too.
    await run(raw("ROLLBACK")).catch((failure: unknown) => {
      if (!isConnectionLoss(failure)) throw failure;
    });
    throw error;
  }
  const { command } = await run(raw("COMMIT"));
  // COMMIT of a transaction with a failed statement is no error: it is answered with ROLLBACK.
  if (command !== "COMMIT") throw rolledBackAtCommit();
  return result;
}

function rolledBackAtCommit(): AppError {
  return new AppError({
    code: "STATEMENT_FAILED",
    object: "a transaction",
    fault: "the server rolled it back at its COMMIT, because one of its statements had failed",
    state: "nothing of this transaction was committed",
    next: "find the failed statement in the log of the command, then run the same command again",
  });
}

const begin: Readonly<Record<TransactionMode, string>> = {
  // A database can have another default isolation, under which a batch fails on concurrent writes.
  "read write": "BEGIN ISOLATION LEVEL READ COMMITTED",
  "read only snapshot": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};
