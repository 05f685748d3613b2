import { readFile } from "node:fs/promises";

/** Watches the most memory that a process has held, as Linux counts it; elsewhere it says nothing. */
export function watchMemory(pid: number | undefined): { stop(): number | undefined } {
  let peak: number | undefined;
  const look = async () => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes !== undefined) peak = Number(kilobytes) * 1024;
  };
  const timer = setInterval(look, 100);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}
