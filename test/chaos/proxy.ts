import { connect as connectTo, createServer, type Socket } from "node:net";
import { z } from "zod";

/** A network between Tenantry and the server that can fail. */
export type Network = {
  readonly port: number;
  /** Breaks every connection at once, as a pooler that restarts does. */
  cut(): void;
  /** Forwards nothing in either direction until `resume`; nobody is told. */
  stall(): void;
  resume(): void;
  close(): void;
};

/** Starts a proxy to a port of this machine, on a free port. */
export async function startProxy(to: number): Promise<Network> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let stalled = false;
  const server = createServer((inner) => {
    const outer = connectTo(to, "127.0.0.1");
    const pair = [inner, outer] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
      if (stalled) socket.pause();
    }
    inner.on("data", (data) => outer.write(data));
    outer.on("data", (data) => inner.write(data));
    if (stalled) for (const socket of pair) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const each = (work: (socket: Socket) => void): void => {
    for (const pair of pairs) for (const socket of pair) work(socket);
  };
  return {
    port,
    cut: () => each((socket) => socket.resetAndDestroy()),
    stall() {
      stalled = true;
      each((socket) => socket.pause());
    },
    resume() {
      stalled = false;
      each((socket) => socket.resume());
    },
    close() {
      each((socket) => socket.destroy());
      server.close();
    },
  };
}
