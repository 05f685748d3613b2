import { execa } from "execa";
import type { Gate } from "../steps/model/application.ts";

export type GateResult = {
  readonly gate: Gate;
  readonly holds: boolean;
  readonly milliseconds: number;
  /** How the command ended, where the gate fails. */
  readonly ending: string;
  /** The last lines of its output. */
  readonly said: readonly string[];
};

const keptLines = 40;

/**
 * Runs a gate in the application's folder as in CI: without a terminal, and with CI=true.
 * @param interrupted ends it and the processes that it has started
 */
export async function runGate(
  gate: Gate,
  folder: string,
  interrupted: AbortSignal,
): Promise<GateResult> {
  const started = performance.now();
  const child = execa(gate.command, {
    cwd: folder,
    shell: true,
    // Its own process group, so that the processes that it starts can be ended too.
    detached: true,
    stdin: "ignore",
    all: true,
    reject: false,
    env: { CI: "true" },
  });
  const end = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  interrupted.addEventListener("abort", end, { once: true });
  if (interrupted.aborted) end();
  const { failed, exitCode, signal, all, message } = await child;
  interrupted.removeEventListener("abort", end);
  return {
    gate,
    holds: !failed,
    milliseconds: Math.round(performance.now() - started),
    ending:
      exitCode !== undefined
        ? `ended with exit code ${exitCode}`
        : signal !== undefined
          ? `was ended by ${signal}`
          : (message ?? "could not be started"),
    said: (all ?? "").trimEnd().split("\n").slice(-keptLines),
  };
}
