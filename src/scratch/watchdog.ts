import { randomBytes } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { AppError } from "../errors.ts";

/** The beginning of the names of scratch servers' folders: no other folder is ever removed. */
const folderPrefix = "tenantry-server-";

/** A new name for a scratch server's folder, which does not exist yet: the watchdog is started first. */
export function nameServerFolder(): string {
  return path.join(os.tmpdir(), `${folderPrefix}${randomBytes(6).toString("hex")}`);
}

/**
 * Waits for the end of its input, which comes when the process at the other end closes it or dies, even
 * by SIGKILL. Then it shuts the server down (fast; immediate after ten seconds) and removes the folder.
 * The server has ended when its lock file is gone: a zombie that no process waits for still answers to signals.
 */
const script = `
cat >/dev/null
lock="$1/data/postmaster.pid"
if [ -f "$lock" ]; then
  server=$(head -n 1 "$lock")
  # initdb's server writes its number with a minus sign, which would mean a process group.
  server=\${server#-}
  kill -INT "$server"
  tries=0
  while [ -f "$lock" ] && [ "$tries" -lt 240 ]; do
    tries=$((tries + 1))
    [ "$tries" -eq 200 ] && kill -QUIT "$server"
    sleep 0.05
  done
fi
# A process that is still creating the data directory may write for a moment.
tries=0
until rm -rf "$1" || [ "$tries" -ge 200 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
[ ! -e "$1" ]
`;

function runScript(folder: string, stdin: "pipe" | "ignore") {
  if (!path.basename(folder).startsWith(folderPrefix)) {
    throw new TypeError(`not the folder of a scratch server: ${folder}`);
  }
  return execa("sh", ["-c", script, "sh", folder], {
    cwd: "/",
    stdin,
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
    reject: false,
  });
}

function verifyStopped(folder: string, exitCode: number | undefined): void {
  if (exitCode === 0) return;
  throw new AppError({
    code: "SERVER_NOT_STARTED",
    object: folder,
    fault: "the scratch server could not be stopped",
    state: "it may still be running, and its folder was not removed",
    next: `end the process whose number is in ${path.join(folder, "data", "postmaster.pid")}, then remove the folder`,
  });
}

/** Stops the server in a folder, even one that another process started, and removes the folder. */
export async function stopServer(folder: string): Promise<void> {
  const { exitCode } = await runScript(folder, "ignore");
  verifyStopped(folder, exitCode);
}

/**
 * Starts a process that stops the server in a folder and removes the folder when this process ends, or
 * when `stop` is called. The folder should be created after this call, so that it cannot be left behind.
 */
export function watchServer(folder: string): { stop(): Promise<void> } {
  const watchdog = runScript(folder, "pipe");
  watchdog.unref();
  return {
    async stop() {
      // Otherwise this process could end before the server has stopped.
      watchdog.ref();
      watchdog.stdin?.end();
      const { exitCode } = await watchdog;
      verifyStopped(folder, exitCode);
    },
  };
}
