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
import { messageOf } from "../errors.ts";
import { disconnect } from "./connect.ts";
import { ConnectionLost, sqlState } from "./failures.ts";
import type { Queries } from "./session.ts";
import { type Sql, toQuery } from "./sql.ts";
import type { Target } from "./target.ts";

/** A connected client, which another replaces after a reconnection, and what its statements are reported with. */
export type Connection = {
  client: pg.Client;
  readonly target: Target;
  readonly applicationName: string;
  /** The error that ended the connection; undefined while it is open. */
  lostWith: () => Error | undefined;
  /** When the statement was sent whose answer is waited for, by `performance.now()`. */
  waitingSince?: number | undefined;
};

/** Sends one statement, and waits for its result. */
export type Run = (statement: Sql) => Promise<pg.QueryResult>;

/** How statements are sent on a connection: each is observed, and a lost connection has its own error. */
export function runOn(connection: Connection): Run {
  return (statement) =>
    observed(connection, statement, async () => {
      connection.waitingSince = performance.now();
      try {
        return await connection.client.query(toQuery(statement));
      } catch (error) {
        throw failure(connection, error);
      } finally {
        connection.waitingSince = undefined;
      }
    });
}

/** Rows, counts and COPY on a connection. */
export function queriesOn(connection: Connection, run: Run): Queries {
  return {
    rows: async (statement, row) => z.array(row).parse((await run(statement)).rows),
    execute: async (statement) => (await run(statement)).rowCount ?? 0,
    copyOut: (statement, to) =>
      observed(connection, statement, () => {
        const stream = connection.client.query(copyTo(toQuery(statement).text));
        return copied(connection, stream, () => pipeline(stream, to));
      }),
    copyIn: (statement, from) =>
      observed(connection, statement, () => {
        const stream = connection.client.query(copyFrom(toQuery(statement).text));
        return copied(connection, stream, () => pipeline(from, stream));
      }),
  };
}

/** The server's own error, or that the connection was lost. */
function failure({ lostWith }: Connection, error: unknown): unknown {
  return error instanceof pg.DatabaseError
    ? error
    : new ConnectionLost(lostWith()?.message ?? messageOf(error), { cause: error });
}

async function copied(
  connection: Connection,
  stream: CopyStreamQuery | CopyToStreamQuery,
  flow: () => Promise<void>,
): Promise<number> {
  // The streams end before the server has reported the row count and is ready for another query.
  const ready = readiness(connection.client);
  let refused: unknown;
  // The server's errors come before the stream is destroyed; those of the other stream destroy it.
  stream.on("error", (error: unknown) => {
    if (!stream.destroyed) refused = failure(connection, error);
  });
  try {
    await flow();
    await ready;
    return stream.rowCount;
  } catch (error) {
    if (refused instanceof pg.DatabaseError) await ready;
    if (refused !== undefined) throw refused;
    if (stream instanceof Readable) await disconnect(connection.client);
    throw error;
  }
}

/** Resolves when the server is ready for another query, or the connection has ended. */
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

/** Runs a statement, and reports its text and duration to the target's observer. */
async function observed<Result>(
  { target: { observe }, applicationName }: Connection,
  statement: Sql,
  work: () => Promise<Result>,
): Promise<Result> {
  if (observe === undefined) return work();
  const started = performance.now();
  const report = (failedWith: string | null): void => {
    const milliseconds = Math.round(performance.now() - started);
    const { text, values } = toQuery(statement);
    observe({ session: applicationName, text, values, milliseconds, failedWith });
  };
  try {
    const result = await work();
    report(null);
    return result;
  } catch (error) {
    // A lost connection has no SQLSTATE from the server; 08006 is PostgreSQL's code for it.
    report(sqlState(error) ?? "08006");
    throw error;
  }
}
