import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { program } from "./built-program.ts";

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Started = {
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Outcome>;
};

/** A folder with a configuration, in which the command line is used as a person would. */
export type Project = {
  readonly folder: string;
  /** Runs `tenantry` with these arguments to its end. */
  tenantry(...args: readonly string[]): Promise<Outcome>;
  /** Starts `tenantry`, to be killed on its way. */
  start(...args: readonly string[]): Started;
  configure(config: Config): Promise<void>;
};

/**
 * Makes a project for one test; its folder goes with the test.
 * @param database its URL, or the variables that say where it is
 */
export async function makeProject(
  database: string | Readonly<Record<string, string>>,
  config: Config,
): Promise<Project> {
  const environment = typeof database === "string" ? { DATABASE_URL: database } : database;
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-project-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const configure = (changed: Config) =>
    writeFile(path.join(folder, "tenantry.config.json"), JSON.stringify(changed));
  await configure(config);
  const start = (...args: readonly string[]): Started => {
    const child = execa(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...environment, NO_COLOR: "1" },
      reject: false,
      stdin: "ignore",
    });
    return {
      pid: child.pid,
      kill: (signal) => child.kill(signal),
      ended: child.then(({ exitCode, stdout, stderr }) => ({
        // A process that a signal ended has no exit code.
        code: exitCode ?? -1,
        stdout,
        stderr,
      })),
    };
  };
  return { folder, configure, start, tenantry: (...args) => start(...args).ended };
}
