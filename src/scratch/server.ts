import { existsSync } from "node:fs";
import { chown, mkdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { AppError, messageOf } from "../errors.ts";
import type { ServerBinaries } from "./binaries.ts";
import { hasCode, prepareEmbedded } from "./embedded.ts";
import { findServerUser, type ServerUser } from "./server-user.ts";
import { nameServerFolder, stopServer, watchServer } from "./watchdog.ts";

export type ServerOptions = {
  readonly binaries: ServerBinaries;
  /** Server settings; they override the scratch server's defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Keeps the server running after this process ends. */
  readonly outlivesProcess?: boolean;
};

export type Server = {
  readonly url: string;
  readonly port: number;
  readonly major: number;
  readonly dataDirectory: string;
  /** The server's folder: data, socket, log. `stopServer` takes it as its argument. */
  readonly folder: string;
  readonly process: number;
  /** Fast shutdown, then removal of the folder. */
  stop(): Promise<void>;
};

const scratchSettings = {
  fsync: "off",
  full_page_writes: "off",
  max_wal_size: "2GB",
};

const startingTimeout = 30_000;

/** The programs, the folder and the user of one server. */
type ServerHome = {
  readonly bin: string;
  readonly folder: string;
  readonly user: ServerUser | undefined;
};

/**
 * Starts a PostgreSQL server on a free port of 127.0.0.1, for user postgres without a password. It stops
 * when this process ends, even by SIGKILL, unless `outlivesProcess` is set.
 * @throws AppError SERVER_NOT_STARTED with the end of the log
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { binaries } = options;
  const bin = binaries.origin === "local" ? binaries.folder : await prepareEmbedded(binaries);
  const user = await findServerUser();
  const folder = nameServerFolder();
  const home = { bin, folder, user };
  const watched = options.outlivesProcess === true ? undefined : watchServer(folder);
  const stop = () => (watched === undefined ? stopServer(folder) : watched.stop());
  try {
    await mkdir(folder, { mode: 0o700 });
    if (user !== undefined) await chown(folder, user.uid, user.gid);
    await initialise(home);
    const { port, pid, waitForEnd } = await launch(home, options.settings ?? {});
    return {
      url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
      port,
      major: binaries.major,
      dataDirectory: path.join(folder, "data"),
      folder,
      process: pid,
      async stop() {
        await stop();
        await waitForEnd();
      },
    };
  } catch (error) {
    const log = path.join(folder, "server.log");
    const details = existsSync(log) ? (await readFile(log, "utf8")).trimEnd().split("\n") : [];
    await stop();
    throw new AppError({
      code: "SERVER_NOT_STARTED",
      object: `PostgreSQL ${binaries.version} (${bin})`,
      fault: messageOf(error),
      state: "the server is stopped, and its folder is removed",
      next: "read the end of its log below, fix the cause, then run the same command again",
      details: details.slice(-20),
      cause: error,
    });
  }
}

/** Options of the server's processes: they run in a folder that their user may read. */
function running({ folder, user }: ServerHome, locale: string) {
  return {
    cwd: folder,
    env: { LC_ALL: locale },
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  };
}

async function initialise(home: ServerHome): Promise<void> {
  const data = path.join(home.folder, "data");
  const initdb = (locale: string) =>
    execa(
      path.join(home.bin, "initdb"),
      [
        // A relative path: with an absolute one, initdb would create a removed folder again.
        "--pgdata=data",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        `--locale=${locale}`,
        "--no-sync",
      ],
      { ...running(home, locale), reject: false },
    );
  const first = await initdb("C.UTF-8");
  if (first.exitCode === 0) return;
  // macOS and small container images do not have C.UTF-8.
  await rm(data, { recursive: true, force: true });
  const second = await initdb("C");
  if (second.exitCode === 0) return;
  throw new Error(`initdb failed: ${second.stderr || second.shortMessage || "no message"}`);
}

async function launch(home: ServerHome, settings: Readonly<Record<string, string>>) {
  const data = path.join(home.folder, "data");
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const all = {
      ...scratchSettings,
      ...settings,
      port: String(port),
      listen_addresses: "127.0.0.1",
      unix_socket_directories: home.folder,
    };
    const values = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = execa(
      "sh",
      [
        "-c",
        'exec "$@" >>server.log 2>&1',
        "sh",
        path.join(home.bin, "postgres"),
        "-D",
        data,
        ...values,
      ],
      {
        ...running(home, "C"),
        stdio: "ignore",
        // Its own process group: Ctrl-C must not stop it, because this process still needs it to clean up.
        detached: true,
        reject: false,
      },
    );
    let ended: string | undefined;
    const exited = server.then(({ exitCode, shortMessage }) => {
      ended = exitCode === undefined ? (shortMessage ?? "ended") : `exit code ${exitCode}`;
    });
    const deadline = Date.now() + startingTimeout;
    while (ended === undefined && Date.now() < deadline) {
      const { pid } = server;
      if (pid !== undefined && (await isReady(data))) {
        server.unref();
        const waitForEnd = (): Promise<void> => {
          server.ref();
          return exited;
        };
        return { port, pid, waitForEnd };
      }
      await sleep(10);
    }
    // Another process may have taken the port since it was found free: try another one.
    if (ended === undefined) throw new Error(`not ready within ${startingTimeout / 1000} s`);
    if (attempt === 3) throw new Error(`did not start: ${ended}`);
  }
}

/** The postmaster writes its state into the last line of postmaster.pid. */
async function isReady(data: string): Promise<boolean> {
  const file = path.join(data, "postmaster.pid");
  try {
    return /^ready\s*$/m.test(await readFile(file, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("no free port on 127.0.0.1"));
      });
    });
  });
}
