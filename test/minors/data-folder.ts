import { createWriteStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { onTestFinished, vi } from "vitest";
import type { ServerBinaries } from "../../src/scratch/binaries.ts";
import { prepareEmbedded } from "../../src/scratch/embedded.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { findServerUser } from "../../src/scratch/server-user.ts";

export type DataFolder = {
  readonly url: string;
  /** Stops the server, and starts these binaries on the same data and the same port. */
  updateTo(binaries: ServerBinaries): Promise<void>;
};

/** A server whose binaries are exchanged under its data, as an update of its packages does. */
export async function makeDataFolder(binaries: ServerBinaries): Promise<DataFolder> {
  const server = await startServer({ binaries });
  onTestFinished(() => server.stop());
  return {
    url: server.url,
    async updateTo(other) {
      await shutDown(server);
      await startOn(server, other);
    },
  };
}

function lockOf({ dataDirectory }: Server): string {
  return path.join(dataDirectory, "postmaster.pid");
}

const polling = { timeout: 30_000, interval: 50 };

/** Fast shutdown; the folder stays. */
async function shutDown(server: Server): Promise<void> {
  const lock = lockOf(server);
  const [postmaster] = (await readFile(lock, "utf8")).split("\n");
  process.kill(Number(postmaster), "SIGINT");
  await vi.waitFor(() => {
    if (existsSync(lock)) throw new Error("the server still runs");
  }, polling);
}

async function startOn(server: Server, binaries: ServerBinaries): Promise<void> {
  const { folder, dataDirectory, port } = server;
  const bin = binaries.origin === "local" ? binaries.folder : await prepareEmbedded(binaries);
  const user = await findServerUser();
  const settings = {
    fsync: "off",
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
  };
  const values = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const postgres = execa(path.join(bin, "postgres"), ["-D", dataDirectory, ...values], {
    cwd: folder,
    env: { LC_ALL: "C" },
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    detached: true,
    buffer: false,
    reject: false,
  });
  postgres.stderr.pipe(createWriteStream(path.join(folder, "other.log")));
  postgres.unref();
  await vi.waitFor(async () => {
    const state = existsSync(lockOf(server)) ? await readFile(lockOf(server), "utf8") : "";
    if (!/^ready\s*$/m.test(state)) throw new Error("the server is not ready");
  }, polling);
}
