import net from "node:net";
import type pg from "pg";
import { z } from "zod";

const answerTimeoutInMilliseconds = 5_000;

/** In the place of a protocol's version. */
const cancelRequest = 80_877_102;

/** The driver's types hold neither. */
const keySchema = z.object({ processID: z.number(), secretKey: z.number() });

/**
 * Asks the server to cancel what a client waits for. The server counts this as no session, and so takes
 * it where it takes no more sessions. Like psql before PostgreSQL 17, it does not ask for TLS: what is
 * sent is worth nothing when the session has ended.
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
    // The server answers by hanging up.
    socket.once("close", () => resolve());
    socket.end(message);
    socket.resume();
  });
}
