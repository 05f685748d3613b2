import net from "node:net";
import type pg from "pg";
import { z } from "zod";

const answerTimeoutInMilliseconds = 5_000;

/** The code of a CancelRequest, sent instead of a protocol version. */
const cancelRequest = 80_877_102;

/** The driver's types have neither. */
const keySchema = z.object({ processID: z.number(), secretKey: z.number() });

/**
 * Asks the server to cancel the statement that a client waits for. This is not a session, so the server
 * accepts it even at its connection limit. Like psql before PostgreSQL 17, it does not use TLS: the key
 * that is sent is useless after the session has ended.
 */
export async function requestCancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = keySchema.parse(client);
  const message = Buffer.alloc(16);
  for (const [index, number] of [message.length, cancelRequest, processID, secretKey].entries()) {
    message.writeInt32BE(number, index * 4);
  }
  const { host, port } = client;
  const socket = host.startsWith("/")
    ? net.connect(`${host}/.s.PGSQL.${port}`)
    : net.connect(port, host);
  socket.setTimeout(answerTimeoutInMilliseconds, () => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    // The server answers by closing the connection.
    socket.once("close", () => resolve());
    socket.end(message);
    socket.resume();
  });
}
