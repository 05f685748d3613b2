import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A way to the server that can be disturbed. */
export type Obstacle = {
  readonly url: string;
  /** Cuts every connection, and refuses new ones until `reopen`. */
  cut(): void;
  /** Swallows whatever is on the way on connections that are open now, for good, without closing them. */
  stall(): void;
  /** Refuses new connections until `reopen`. */
  refuse(): void;
  reopen(): void;
  /** Holds back the first statement to the server that begins with this text, and what follows it. */
  hold(text: string): { readonly held: Promise<void>; letGo(): void };
};

type Held = { readonly text: string; readonly onHeld: () => void; letGo?: () => void };

/** After a message's type and length: a Query has its text there, and a Parse after an empty name. */
function begins(data: Buffer, text: string): boolean {
  const message = data.toString("latin1");
  return message.startsWith(text, 5) || message.startsWith(`\0${text}`, 5);
}

/** A proxy before a server, which ends with the test. */
export async function proxyTo(database: string): Promise<Obstacle> {
  const url = new URL(database);
  const server = { host: url.hostname, port: Number(url.port || 5432) };
  const pairs = new Set<{ stalled: boolean; readonly end: () => void }>();
  let refusing = false;
  let wanted: Held | undefined;
  const proxy = createServer((near: Socket) => {
    if (refusing) return near.destroy();
    const far = connect(server);
    const end = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    const pair = { stalled: false, end };
    pairs.add(pair);
    let kept: Buffer[] | undefined;
    near.on("error", end).on("close", () => {
      // What is held back is on its way still when the client is gone.
      if (kept === undefined && !pair.stalled) end();
    });
    far.on("error", end).on("close", end);
    far.on("data", (data) => pair.stalled || near.write(data));
    near.on("data", (data) => {
      if (pair.stalled) return;
      const held = wanted;
      if (kept === undefined && held !== undefined && begins(data, held.text)) {
        wanted = undefined;
        kept = [];
        held.letGo = () => {
          for (const each of kept ?? []) far.write(each);
          kept = undefined;
        };
        held.onHeld();
      }
      if (kept === undefined) far.write(data);
      else kept.push(data);
    });
  });
  proxy.listen(0, "127.0.0.1");
  await new Promise((resolve) => proxy.once("listening", resolve));
  onTestFinished(() => {
    for (const { end } of pairs) end();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("it does not listen");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    cut() {
      refusing = true;
      for (const { end } of pairs) end();
    },
    stall() {
      for (const pair of pairs) pair.stalled = true;
    },
    refuse() {
      refusing = true;
    },
    reopen() {
      refusing = false;
    },
    hold(text) {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        const one: Held = { text, onHeld: resolve };
        wanted = one;
        letGo = () => one.letGo?.();
      });
      return { held, letGo: () => letGo() };
    },
  };
}
