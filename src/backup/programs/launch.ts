import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { makeWatchedFolder } from "../folder/watched-folder.ts";

export type Launch = {
  /** A client program, which the library looks up on PATH by its name. */
  readonly program: string;
  /** Handed on as a passfile, which only we can read: everyone can read an argument list. */
  readonly password: string | undefined;
  /** Ends the program: what it has begun is worth nothing. */
  readonly signal: AbortSignal | undefined;
  /** Removed when this process is killed meanwhile; otherwise it is for the caller to remove. */
  readonly removesWhenKilled: readonly string[];
  /** What else runs on this machine comes first, such as the database that is dumped. */
  readonly givesWay: boolean;
};

/**
 * Runs a client program through a library that hands back neither its process nor a way to end it.
 * However this process ends, the program ends with it and the passfile is gone.
 * @param start begins the program before it first waits
 */
export async function launch<Result>(
  { program, password, signal, removesWhenKilled, givesWay }: Launch,
  start: (passfile: string | undefined) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const folder = await makeWatchedFolder(...removesWhenKilled);
  const end = () => endProcess(folder.processFile);
  try {
    const launcher = path.join(folder.path, path.basename(program));
    await writeFile(launcher, launcherOf(program, givesWay));
    await chmod(launcher, 0o700);
    const passfile =
      password === undefined ? undefined : await writePassfile(folder.path, password);
    signal?.addEventListener("abort", end);
    const running = startFrom(folder.path, () => start(passfile));
    // Aborted between the look above and the start, nobody would have ended it.
    if (signal?.aborted === true) await end();
    return await running;
  } finally {
    signal?.removeEventListener("abort", end);
    await folder.remove();
  }
}

/** Tells the number of its process, then becomes the program. */
function launcherOf(program: string, givesWay: boolean): string {
  const quoted = `'${program.replaceAll("'", `'\\''`)}'`;
  const command = givesWay ? `nice -n 10 ${quoted}` : quoted;
  return `#!/bin/sh\necho $$ >"\${0%/*}/process"\nexec ${command} "$@"\n`;
}

async function writePassfile(folder: string, password: string): Promise<string> {
  const file = path.join(folder, "passfile");
  const escaped = password.replaceAll(/[\\:]/g, (character) => `\\${character}`);
  await writeFile(file, `*:*:*:*:${escaped}\n`, { mode: 0o600 });
  return file;
}

/**
 * The library takes its program from PATH, and the program's files are as open as the umask lets
 * them be. It starts the process before it first waits, so both are changed for that moment only.
 */
function startFrom<Result>(folder: string, start: () => Promise<Result>): Promise<Result> {
  const searched = process.env["PATH"];
  const mask = process.umask(0o077);
  process.env["PATH"] = [folder, searched].filter(Boolean).join(path.delimiter);
  try {
    return start();
  } finally {
    if (searched === undefined) delete process.env["PATH"];
    else process.env["PATH"] = searched;
    process.umask(mask);
  }
}

/** Interrupted, pg_dump cancels what the server does for it and ends its workers. */
async function endProcess(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const number = Number.parseInt(await readFile(file, "utf8"), 10);
  // It may have come to its end in this moment.
  if (Number.isInteger(number)) await execa("kill", ["-INT", String(number)], { reject: false });
}
