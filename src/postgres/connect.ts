import type pg from "pg";
import { z } from "zod";
import { passwordOf } from "./target.ts";

const answerTimeoutInMilliseconds = 10_000;

const passwordRequests = [
  "authenticationCleartextPassword",
  "authenticationMD5Password",
  "authenticationSASL",
] as const;

/**
 * Connects a client and waits until the server has answered its first question: a pooler accepts
 * connections that it has no server for.
 * @returns the server process of the session, as the server says
 * @throws whatever stands in the way, after ten seconds at the latest; the client is closed then
 */
export async function connect(client: pg.Client): Promise<number> {
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
  // At an authentication that it does not know, the driver throws where nobody can catch it.
  process.once("uncaughtException", fail);
  try {
    return await Promise.race([begin(client), failed]);
  } catch (error) {
    // A socket that the server holds open would keep this process from ending.
    client.connection.stream.destroy();
    if (!passwordWanted || passwordOf(client) !== undefined) throw error;
    throw new Error("the server asks for a password, and none is given", { cause: error });
  } finally {
    clearTimeout(timer);
    process.off("uncaughtException", fail);
  }
}

/** How long the server may take to end a session that it is told to end. */
const farewellInMilliseconds = 5_000;

/**
 * Ends a client's session, once or again. A server or a network that does not answer would keep this
 * process alive: after five seconds the socket is destroyed, and the server sees that by itself.
 */
export async function disconnect(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), farewellInMilliseconds);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}

async function begin(client: pg.Client): Promise<number> {
  await client.connect();
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  const [{ pid }] = z.tuple([z.object({ pid: z.number() })]).parse(rows);
  return pid;
}
