import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { chooseForDemo } from "../src/backup/programs/pg-dump.ts";
import type { Config } from "../src/config/schema.ts";
import { formatBytes } from "../src/number-formats.ts";
import { openSession, type Session } from "../src/postgres/connection.ts";
import { sql } from "../src/postgres/sql.ts";
import { startServer } from "../src/scratch/server.ts";
import { watchMemory } from "./memory.ts";

/** A server of the bench's own, and the program as a person starts it. */
export type Bench = {
  readonly url: string;
  /** Where the program is run, and leaves its logs. */
  readonly folder: string;
  readonly session: Session;
  /**
   * Runs the built program with this configuration, on this database or another of the server's.
   * @throws where it does not end with 0
   */
  tenantry(config: Config, args: readonly string[], url?: string): Promise<Ran>;
  /** A plain dump, as one is made by hand. */
  dump(url: string): Promise<void>;
};

export type Ran = {
  readonly milliseconds: number;
  /** Undefined where the machine does not say. */
  readonly peakBytes: number | undefined;
  /** What of it was backups, where they are made by hand. */
  readonly backupsInMilliseconds?: number;
};

const root = fileURLToPath(new URL("..", import.meta.url));
const program = path.join(root, "dist", "bin", "tenantry.mjs");

/** What the numbers were measured on. */
export async function describeMachine(session: Session): Promise<string> {
  const [server] = await session.rows(
    sql`SELECT current_setting('server_version') AS version`,
    z.object({ version: z.string() }),
  );
  return `PostgreSQL ${server?.version}, ${describeProcessor()}`;
}

/** The same without a server. */
export function describeProcessor(): string {
  const [processor] = cpus();
  return `Node ${process.versions.node}, ${cpus().length} × ${processor?.model.trim() ?? "a processor"}, ${formatBytes(totalmem())} of memory`;
}

/** Lends a server with the settings that a server in production has: it syncs what it writes. */
export async function withBench<Result>(work: (bench: Bench) => Promise<Result>): Promise<Result> {
  await execa("npm", ["run", "build"], { cwd: root });
  const { binaries, pgDump } = await chooseForDemo();
  const settings = {
    fsync: "on",
    full_page_writes: "on",
    shared_buffers: "512MB",
    maintenance_work_mem: "256MB",
  };
  const server = await startServer({ binaries, settings });
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-bench-"));
  const session = await openSession({ url: server.url }, "bench", { statement_timeout: "0" });
  try {
    return await work({
      url: server.url,
      folder,
      session,
      async dump(url) {
        const file = path.join(folder, "by-hand.sql");
        await execa(pgDump.path, ["--file", file, url]);
        await rm(file);
      },
      async tenantry(config, args, url = server.url) {
        await writeFile(path.join(folder, "tenantry.config.json"), JSON.stringify(config));
        const started = performance.now();
        const child = execa(process.execPath, [program, ...args], {
          cwd: folder,
          env: { DATABASE_URL: url, NO_COLOR: "1" },
        });
        const memory = watchMemory(child.pid);
        await child;
        return { milliseconds: performance.now() - started, peakBytes: memory.stop() };
      },
    });
  } finally {
    await session.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The URL of another database of the bench's server. */
export function urlOf({ url }: Bench, database: string): string {
  const at = new URL(url);
  at.pathname = `/${database}`;
  return at.href;
}

/** The middle of several numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("there is no middle of nothing");
  return middle;
}
