import { randomUUID } from "node:crypto";
import { execa } from "execa";
import { expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import type { Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { program } from "./built-program.ts";
import { processesMarked } from "./marked-processes.ts";
import type { Outcome, Project } from "./project.ts";

/** How long a process may live on after it has said its error: a slow machine is no failure. */
const patienceInMilliseconds = 60_000;

/** `tenantry` under way, which must end by itself once it has said what failed. */
export type Watched = {
  kill(signal: NodeJS.Signals): void;
  /** Everything on standard error so far. */
  said(): string;
  /**
   * Its end; the exit code is -1 where it had to be killed, since it lived on after its error.
   */
  readonly ended: Promise<Outcome>;
  /** Processes that it started, and that are still there. */
  children(): Promise<string[]>;
};

/** Starts `tenantry`, and kills it where it does not end within a minute after it said its error. */
export function watch(project: Project, url: string, ...args: readonly string[]): Watched {
  const mark = randomUUID();
  const child = execa(process.execPath, [program, ...args], {
    cwd: project.folder,
    env: { DATABASE_URL: url, NO_COLOR: "1", TENANTRY_TEST_MARK: mark },
    reject: false,
    stdin: "ignore",
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let said = "";
  let late: NodeJS.Timeout | undefined;
  child.stderr.on("data", (data: Buffer) => {
    said += data.toString();
    if (/^✘ /m.test(said)) {
      late ??= setTimeout(() => child.kill("SIGKILL"), patienceInMilliseconds);
    }
  });
  return {
    kill: (signal) => child.kill(signal),
    said: () => said,
    ended: child.then(({ exitCode, stdout, stderr }) => {
      clearTimeout(late);
      return { code: exitCode ?? -1, stdout, stderr };
    }),
    children: () => processesMarked(mark),
  };
}

/**
 * Nothing is left of a process that has ended: no session on the server, which is the test's alone, and
 * no child.
 */
export async function expectNothingLeft(observer: Session, watched: Watched): Promise<void> {
  const sessions = sql`
    SELECT application_name AS name
      FROM pg_stat_activity
     WHERE application_name ~ '^(tenantry|pg_dump|pg_restore)'
       AND application_name <> 'tenantry tests'
  `;
  await vi.waitFor(
    async () => {
      expect(await observer.rows(sessions, z.object({ name: z.string() }))).toEqual([]);
      expect(await watched.children()).toEqual([]);
    },
    { timeout: 20_000, interval: 100 },
  );
}
