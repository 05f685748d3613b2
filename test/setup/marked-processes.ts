import { readdir, readFile } from "node:fs/promises";

/**
 * The command lines of processes with a mark in the environment, which every process inherits; known on
 * Linux only.
 */
export async function processesMarked(mark: string): Promise<string[]> {
  if (process.platform !== "linux") return [];
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    // Of others' processes, and of those that end in this moment, it cannot be read.
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (!environment.includes(mark)) continue;
    // It may have ended meanwhile.
    found.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "ended"));
  }
  return found.filter((command) => command !== "ended");
}
