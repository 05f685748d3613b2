import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { messageOf } from "../../errors.ts";
import { systemCode } from "../folder/system-error.ts";
import { makeWatchedFolder } from "../folder/watched-folder.ts";
import { type Flow, FlowFailed, letFlow, makePipe } from "./pipe.ts";

export type Launch = {
  /** The path of a client program; the library finds it on PATH by its name. */
  readonly program: string;
  /** Passed in a passfile with mode 0600, because every user can read an argument list. */
  readonly password: string | undefined;
  /** Ends the program; its output is then useless. */
  readonly signal: AbortSignal | undefined;
  /** Folders that are removed if this process is killed; otherwise the caller removes them. */
  readonly removesWhenKilled: readonly string[];
  /** Runs it with `nice`, so that it does not slow down a database on the same machine. */
  readonly nice: boolean;
  /** What goes through a named pipe to or from the program. */
  readonly flow?: Flow | undefined;
};

/** What a program is started with. */
export type Given = {
  readonly passfile: string | undefined;
  /** The path of the named pipe; undefined without a flow. */
  readonly pipe: string | undefined;
};

/**
 * Runs a client program through a library that returns neither its process nor a way to end it. When
 * this process ends, even by SIGKILL, the program is ended and the passfile is removed.
 * @throws FlowFailed
 * @param start must start the program before its first await
 */
export async function launch<Result>(
  { program, password, signal, removesWhenKilled, nice, flow }: Launch,
  start: (given: Given) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const folder = await makeWatchedFolder(...removesWhenKilled);
  const end = () => endProcess(folder.processFile);
  try {
    const launcher = path.join(folder.path, path.basename(program));
    await writeFile(launcher, launcherOf(program, nice));
    await chmod(launcher, 0o700);
    const passfile =
      password === undefined ? undefined : await writePassfile(folder.path, password);
    const pipe = flow === undefined ? undefined : await makePipe(folder.path);
    signal?.addEventListener("abort", end);
    const running = startFrom(folder.path, () => start({ passfile, pipe }));
    // If the signal was aborted between the check above and the start, no listener ended the program.
    if (signal?.aborted === true) await end();
    if (flow === undefined || pipe === undefined) return await running;
    return await runWithFlow(running, letFlow(pipe, flow, running), folder.processFile);
  } finally {
    signal?.removeEventListener("abort", end);
    await folder.remove();
  }
}

/**
 * Waits for a program and its flow. If the flow fails, the program is ended, and the flow's error is the
 * reason; a program that stopped reading before the end has read what it needed.
 */
async function runWithFlow<Result>(
  running: Promise<Result>,
  flowing: Promise<void>,
  processFile: string,
): Promise<Result> {
  let ended = false;
  const program = running.finally(() => {
    ended = true;
  });
  const flowed = flowing.catch(async (error: unknown) => {
    if (systemCode(error) === "EPIPE") return;
    // The launcher writes the number of its process just after it was started.
    while (!ended && !existsSync(processFile)) await sleep(20);
    if (!ended) await endProcess(processFile);
    throw error;
  });
  const [result, flow] = await Promise.allSettled([program, flowed]);
  if (flow.status === "rejected") {
    throw new FlowFailed(messageOf(flow.reason), { cause: flow.reason });
  }
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

/** A script that writes its process number into a file, then execs the program. */
function launcherOf(program: string, nice: boolean): string {
  const quoted = `'${program.replaceAll("'", `'\\''`)}'`;
  const command = nice ? `nice -n 10 ${quoted}` : quoted;
  return `#!/bin/sh\necho $$ >"\${0%/*}/process"\nexec ${command} "$@"\n`;
}

async function writePassfile(folder: string, password: string): Promise<string> {
  const file = path.join(folder, "passfile");
  const escaped = password.replaceAll(/[\\:]/g, (character) => `\\${character}`);
  await writeFile(file, `*:*:*:*:${escaped}\n`, { mode: 0o600 });
  return file;
}

/**
 * The library finds its program on PATH, and the umask decides who can read the program's files. The
 * library starts the process before its first await, so PATH and umask are changed only until then.
 */
function startFrom<Result>(folder: string, start: () => Promise<Result>): Promise<Result> {
  const oldPath = process.env["PATH"];
  const mask = process.umask(0o077);
  process.env["PATH"] = [folder, oldPath].filter(Boolean).join(path.delimiter);
  try {
    return start();
  } finally {
    if (oldPath === undefined) delete process.env["PATH"];
    else process.env["PATH"] = oldPath;
    process.umask(mask);
  }
}

/** On SIGINT, pg_dump cancels its queries on the server and ends its workers. */
async function endProcess(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const number = Number.parseInt(await readFile(file, "utf8"), 10);
  // kill fails if the program has just ended.
  if (Number.isInteger(number)) await execa("kill", ["-INT", String(number)], { reject: false });
}
