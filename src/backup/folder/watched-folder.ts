import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";

/** The beginning of the names of folders that are removed when this process ends. */
export const watchedFolderPrefix = "tenantry-temporary-";

/** A temporary folder with mode 0700. */
export type WatchedFolder = {
  readonly path: string;
  /** If a process number is written here, that process is ended when this process is killed. */
  readonly processFile: string;
  remove(): Promise<void>;
};

/**
 * Reads one line. It gets "ended" when the folder is not needed any more, and the end of its input when
 * this process dies, even by SIGKILL: then it ends the program and removes the folders.
 */
const script = `
read -r word
if [ "$word" != ended ]; then
  # A zombie that no process waits for still answers to signals, so the loop ends after two seconds.
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
 * Creates a temporary folder that is removed when this process ends, even by SIGKILL.
 * @param alsoRemoved folders that are removed too, only if this process is killed
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
  const endWatchdog = async () => {
    watchdog.ref();
    watchdog.stdin.end("ended\n");
    await watchdog;
  };
  try {
    // Created after its watchdog started: a kill in between would otherwise leave the folder.
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    await endWatchdog();
    throw error;
  }
  return {
    path: folder,
    processFile: path.join(folder, "process"),
    async remove() {
      await endWatchdog();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
