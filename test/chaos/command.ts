import { randomUUID } from "node:crypto";
import path from "node:path";
import { execa } from "execa";
import { builtFolder } from "../setup/built-program.ts";
import type { Stop } from "../setup/statement-stops.ts";

/** A folder with a configuration, and the database that its commands work on. */
export type Place = {
  readonly folder: string;
  readonly url: string;
  /** The folder with the build that is run: a mutant has its own. */
  readonly build: string;
};

export type Ended = {
  /** -1 where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It had to be killed, since it did not end by itself. */
  readonly hung: boolean;
};

export type Running = {
  readonly pid: number;
  /** In the environment of everything that it started. */
  readonly mark: string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the statement at which it waits; undefined where it ended first. */
  readonly halted: Promise<string | undefined>;
  go(): void;
  readonly ended: Promise<Ended>;
};

export type Launch = {
  readonly stop?: Stop;
  /** A file that every statement is written to. */
  readonly trace?: string;
  /** The backups are on a disk of so many kilobytes. */
  readonly diskInKilobytes?: number;
};

/** After this a command has hung: none takes a tenth of it. */
export const patienceInMilliseconds = 90_000;

/** The build of the tests. */
export const ownBuild = builtFolder;

/** Starts a command of Tenantry. */
export function start(place: Place, args: readonly string[], launch: Launch = {}): Running {
  const mark = randomUUID();
  const program = path.join(place.build, "test", "setup", "stopped-program.mjs");
  const called = [process.execPath, program, "-1", ...args];
  const [file = "", ...rest] =
    launch.diskInKilobytes === undefined ? called : onSmallDisk(launch.diskInKilobytes, called);
  const child = execa(file, rest, {
    cwd: place.folder,
    env: {
      DATABASE_URL: place.url,
      NO_COLOR: "1",
      TENANTRY_TEST_MARK: mark,
      TMPDIR: path.join(place.folder, "tmp"),
      TENANTRY_TEST_STOP: JSON.stringify(launch.stop ?? null),
      ...(launch.trace === undefined ? {} : { TENANTRY_TEST_TRACE: launch.trace }),
    },
    ipc: launch.stop?.how === "ask",
    reject: false,
    stdin: "ignore",
  });
  let hung = false;
  const late = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, patienceInMilliseconds);
  const ended = child.then(({ exitCode, stdout, stderr }): Ended => {
    clearTimeout(late);
    return { code: exitCode ?? -1, stdout: String(stdout), stderr: String(stderr), hung };
  });
  const halted = new Promise<string | undefined>((resolve) => {
    child.on("message", (message) => resolve(JSON.stringify(message)));
    ended.then(
      () => resolve(undefined),
      () => resolve(undefined),
    );
  });
  return {
    pid: child.pid ?? 0,
    mark,
    kill: (signal) => child.kill(signal),
    halted,
    go: () => {
      if (child.connected) child.send({ go: true });
    },
    ended,
  };
}

/** In a name space of its own, so that a disk can be mounted without being root. */
function onSmallDisk(kilobytes: number, called: readonly string[]): readonly string[] {
  const script = `mkdir -p backups && mount -t tmpfs -o size=${kilobytes}k tmpfs backups && exec "$@"`;
  return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", ...called];
}

/** Whether this machine gives a process a disk of its own. */
export async function canMount(): Promise<boolean> {
  const [file = "", ...args] = [
    ...["unshare", "--user", "--map-root-user", "--mount"],
    ...["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"],
  ];
  const { exitCode } = await execa(file, args, { reject: false });
  return exitCode === 0;
}
