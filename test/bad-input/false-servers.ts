import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A message of PostgreSQL's protocol, version 3: its type, its length, its body. */
function message(type: string, ...body: readonly Buffer[]): Buffer {
  const content = Buffer.concat(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const authentication = (kind: number, ...more: readonly Buffer[]) =>
  message("R", int(kind), ...more);

const ready = Buffer.concat([
  authentication(0),
  message("K", int(1), int(2)),
  message("Z", Buffer.from("I")),
]);

const refusal = message(
  "E",
  Buffer.from("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"),
);

const onRequest = (answer: (socket: Socket) => void) => (socket: Socket) => {
  socket.once("data", () => answer(socket));
};

/** What answers at a port, and is no server that we can work with. */
export const falseServers = {
  "a server that closes at once": (socket: Socket) => socket.end(),
  "a server that resets the connection": onRequest((socket) => socket.resetAndDestroy()),
  "a web server": onRequest((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  "an SSH server": (socket: Socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
  "a MySQL server": (socket: Socket) => socket.end(Buffer.from("4a0000000a382e302e333600", "hex")),
  "a server that is starting up": onRequest((socket) => socket.end(refusal)),
  "a server that goes at the first question": onRequest((socket) => {
    socket.write(ready);
    socket.once("data", () => socket.end());
  }),
  "a server that answers the first question with garbage": onRequest((socket) => {
    socket.write(ready);
    socket.once("data", () => socket.end("\0\u0001 garbage"));
  }),
  "a server that answers with a message that is none": onRequest((socket) => {
    socket.write(ready);
    socket.once("data", () => socket.write(message("?", int(1))));
  }),
} as const;

/** Servers that end, or never end, a program that does not expect them. */
export const unbearableServers = {
  "a server that wants Kerberos": onRequest((socket) => socket.write(authentication(7))),
  "a server that wants an authentication of the future": onRequest((socket) =>
    socket.write(authentication(99)),
  ),
  "a server that wants SASL of another kind": onRequest((socket) =>
    socket.write(authentication(10, Buffer.from("OAUTHBEARER\0\0"))),
  ),
  "accepts, and never answers": (_socket: Socket) => undefined,
  "asks for a password, and never answers": onRequest((socket) => socket.write(authentication(3))),
  "lets everybody in, and never answers, as a pooler without servers": onRequest((socket) =>
    socket.write(ready),
  ),
} as const;

/** Listens on a free port of 127.0.0.1 until the test ends; returns the port. */
export async function listen(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it does not listen");
  return address.port;
}
