import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";

/** How the names begin of folders that are gone when this process is. */
export const watchedFolderPrefix = "tenantry-temporary-";

/** A temporary folder that only we can read. */
export type WatchedFolder = {
  readonly path: string;
  /** A program whose number is written here is ended when this process is killed. */
  readonly processFile: string;
  remove(): Promise<void>;
};

/**
 * Reads a line, which comes when the folder is not needed any more, or the end of its input, which
 * comes when this process dies, even by SIGKILL: then it ends the program and removes the folders.
 */
const script = `
read -r word
if [ "$word" != ended ]; then
  # A zombie that nobody waits for still answers to signals: so not for long.
  if [ -f "$1/process" ]; then
    number=$(cat "$1/process")
    kill -INT "$number"
    tries=0
    while kill -0 "$number" && [ "$tries" -lt 40 ]; do
      tries=$((tries + 1))
      sleep 0.05
    done
    [ "$tries" -lt 40 ] || kill -KILL "$number"
  fi
  # The program's workers may write for a moment after it.
  tries=0
  until rm -rf "$@" || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
  done
fi
`;

/**
 * Makes a temporary folder that goes when this process does, however it ends.
 * @param alsoRemoved folders that go with it when this process is killed, and only then
 */
export async function makeWatchedFolder(...alsoRemoved: readonly string[]): Promise<WatchedFolder> {
  const folder = path.join(tmpdir(), `${watchedFolderPrefix}${randomBytes(6).toString("hex")}`);
  const watchdog = execa("/bin/sh", ["-c", script, "sh", folder, ...alsoRemoved], {
    cwd: "/",
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
    reject: false,
  });
  watchdog.unref();
  // After its watch: killed between the two, this process would leave it behind.
  await mkdir(folder, { mode: 0o700 });
  return {
    path: folder,
    processFile: path.join(folder, "process"),
    async remove() {
      watchdog.ref();
      watchdog.stdin.end("ended\n");
      await watchdog;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
