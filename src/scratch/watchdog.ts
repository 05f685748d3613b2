import { randomBytes } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { AppError } from "../errors.ts";

/** How the folders of scratch servers begin: nothing else is ever removed. */
const folderPrefix = "tenantry-server-";

/** A name for the folder of a scratch server, which nothing else has: its watch comes first. */
export function nameServerFolder(): string {
  return path.join(os.tmpdir(), `${folderPrefix}${randomBytes(6).toString("hex")}`);
}

/**
 * Waits for the end of its input, which comes when the process at the other end closes it or dies,
 * even by SIGKILL. Then fast shutdown (immediate after ten seconds), and the folder goes. The lock
 * file tells the server's end: a zombie that nobody waits for still answers to signals.
 */
const script = `
cat >/dev/null
lock="$1/data/postmaster.pid"
if [ -f "$lock" ]; then
  server=$(head -n 1 "$lock")
  # initdb's own server writes its number with a minus, which would be a process group's.
  server=\${server#-}
  kill -INT "$server"
  tries=0
  while [ -f "$lock" ] && [ "$tries" -lt 240 ]; do
    tries=$((tries + 1))
    [ "$tries" -eq 200 ] && kill -QUIT "$server"
    sleep 0.05
  done
fi
# What is still making the data directory writes for a moment; it fails on what is gone.
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
    state: "it may still be running",
    next: `end the process in ${path.join(folder, "data", "postmaster.pid")} and remove the folder`,
  });
}

/** Stops the server in a folder, whoever started it, and removes the folder. */
export async function stopServer(folder: string): Promise<void> {
  const { exitCode } = await runScript(folder, "ignore");
  verifyStopped(folder, exitCode);
}

/**
 * Starts a process that stops the server in a folder and removes it as soon as this process ends, or
 * `stop` is called. The folder need not be there yet: made after its watch, it cannot be left over.
 */
export function watchServer(folder: string): { stop(): Promise<void> } {
  const watchdog = runScript(folder, "pipe");
  watchdog.unref();
  return {
    async stop() {
      // Otherwise a process with nothing else to do would end before the server has.
      watchdog.ref();
      watchdog.stdin?.end();
      const { exitCode } = await watchdog;
      verifyStopped(folder, exitCode);
    },
  };
}
