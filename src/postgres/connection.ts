import { z } from "zod";
import { AppError } from "../errors.ts";
import { requestCancel } from "./cancel.ts";
import { connect, disconnect } from "./connect.ts";
import { isConnectionLoss } from "./failures.ts";
import type { Session, TransactionMode } from "./session.ts";
import { ident, literal, raw, sql, together } from "./sql.ts";
import { type Connection, queriesOn, type Run, runOn } from "./statements.ts";
import { clientFor, connectionFailed, type Target } from "./target.ts";

export {
  explainRefusal,
  isConcurrentChange,
  isConnectionLoss,
  isLockConflict,
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
  const client = clientFor(target, {
    application_name: applicationName,
    keepAlive: true,
    // The kernel's default is two hours.
    keepAliveInitialDelayMillis: 30_000,
  });
  let lost: Error | undefined;
  // Without a listener, a connection that breaks while idle would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  const backend = await connect(client).catch((error: unknown) => {
    throw connectionFailed(target, error, state);
  });
  const { processID: announced } = z.object({ processID: z.number().nullable() }).parse(client);
  const session = sessionOn(
    { client, target, applicationName, lostWith: () => lost },
    { backend, pooled: announced !== backend },
  );
  try {
    // From PostgreSQL 17: a transaction_timeout of the role or the database would end a build or a dump.
    await session.execute(
      sql`SELECT set_config(name, '0', FALSE) FROM pg_settings WHERE name = 'transaction_timeout'`,
    );
    for (const [name, value] of Object.entries(settings)) await session.set(name, value);
  } catch (error) {
    // The caller has no session to close, and an open connection keeps the process alive.
    await disconnect(client);
    throw error;
  }
  return session;
}

function sessionOn(connection: Connection, process: Pick<Session, "backend" | "pooled">): Session {
  const { client } = connection;
  const run = runOn(connection);
  const queries = queriesOn(connection, run);
  return {
    ...queries,
    ...process,
    transaction: (work, mode = "read write", local = {}) =>
      inTransaction(run, mode, local, () => work(queries)),
    async set(name, value) {
      await run(sql`SELECT set_config(${name}, ${value}, FALSE)`);
    },
    cancel: () => requestCancel(client),
    close: () => disconnect(client),
  };
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
