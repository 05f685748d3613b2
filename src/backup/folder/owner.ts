import { existsSync } from "node:fs";
import { readFile, readlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { processName } from "./manifest.ts";
import { unlessMissing } from "./system-error.ts";

/** Whether the process that writes a folder still runs. */
export type OwnerState =
  | "running"
  | "ended"
  /** It is on another machine, or the folder has no readable note of it. */
  | "unknown";

/** Notes in an unfinished folder which process writes it, so that another one knows when it is left. */
export async function signFolder(folder: string): Promise<void> {
  const started = await startOf(process.pid);
  if (started === undefined) return;
  const note = [await thisMachine(), process.pid, started, ""].join("\n");
  await writeFile(path.join(folder, processName), note, { mode: 0o600 });
}

export async function ownerOf(folder: string): Promise<OwnerState> {
  const note = await unlessMissing(readFile(path.join(folder, processName), "utf8"));
  const [machine, number, started, end] = note?.split("\n") ?? [];
  // A note without its end was cut by a kill.
  if (number === undefined || end === undefined || machine !== (await thisMachine())) {
    return "unknown";
  }
  return (await startOf(Number(number))) === started ? "running" : "ended";
}

/** Process numbers mean nothing on another machine, or in another container of this one. */
async function thisMachine(): Promise<string> {
  const namespace = await unlessMissing(readlink("/proc/self/ns/pid"));
  return `${hostname()} ${namespace ?? ""}`;
}

/** When a process was started: numbers are used again. Undefined if it has ended. */
async function startOf(number: number): Promise<string | undefined> {
  if (!existsSync("/proc/self/stat")) {
    const { stdout } = await execa("ps", ["-o", "lstart=", "-p", String(number)], {
      env: { LC_ALL: "C" },
      reject: false,
    });
    return stdout?.trim() || undefined;
  }
  const stat = await unlessMissing(readFile(`/proc/${number}/stat`, "utf8"));
  // The second field is the program's name in parentheses, which may contain anything.
  const [state = "Z", ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  // A zombie has ended, and nobody has waited for it.
  if ("ZX".includes(state)) return undefined;
  const boot = await unlessMissing(readFile("/proc/sys/kernel/random/boot_id", "utf8"));
  return `${boot?.trim() ?? ""} ${fields[18]}`;
}
