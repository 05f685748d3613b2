import type pg from "pg";
import { z } from "zod";
import { passwordOf } from "./target.ts";

const answerTimeoutInMilliseconds = 10_000;

const passwordRequests = [
  "authenticationCleartextPassword",
  "authenticationMD5Password",
  "authenticationSASL",
] as const;

/** A server process: its number is used again after it has ended. */
export type ServerProcess = { readonly pid: number; readonly started: string };

/**
 * Connects a client and waits until the server has answered a first query: a pooler accepts
 * connections even when it has no server connection.
 * @returns the session's server process, as the server reports it
 * @throws the error of the driver or the server, after ten seconds at the latest; the client is closed then
 */
export async function connect(client: pg.Client): Promise<ServerProcess> {
  let passwordWanted = false;
  for (const request of passwordRequests) {
    client.connection.once(request, () => {
      passwordWanted = true;
    });
  }
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const timer = setTimeout(
    () => fail(new Error("no answer within ten seconds")),
    answerTimeoutInMilliseconds,
  );
  // For an unknown authentication method, the driver throws in an event handler, outside any promise.
  process.once("uncaughtException", fail);
  try {
    return await Promise.race([begin(client), failed]);
  } catch (error) {
    // A socket that the server keeps open would keep this process alive.
    client.connection.stream.destroy();
    if (!passwordWanted || passwordOf(client) !== undefined) throw error;
    throw new Error("the server asks for a password, and none was given", { cause: error });
  } finally {
    clearTimeout(timer);
    process.off("uncaughtException", fail);
  }
}

/** How long the server may take to close a session. */
const closeTimeoutInMilliseconds = 5_000;

/**
 * Ends a client's session; safe to call twice. A server or a network that does not answer would keep
 * this process alive, so after five seconds the socket is destroyed; the server then ends the session.
 */
export async function disconnect(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), closeTimeoutInMilliseconds);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}

async function begin(client: pg.Client): Promise<ServerProcess> {
  await client.connect();
  const { rows } = await client.query(
    "SELECT pid, backend_start::text AS started FROM pg_stat_activity WHERE pid = pg_backend_pid()",
  );
  const [found] = z.tuple([z.object({ pid: z.number(), started: z.string() })]).parse(rows);
  return found;
}
