import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { AppError } from "../errors.ts";
import { type EmbeddedBinaries, findEmbedded } from "./embedded.ts";
import { findServerUser, isReachable } from "./server-user.ts";

/** A folder of this machine's own with `initdb` and `postgres`. */
export type LocalBinaries = {
  readonly origin: "local";
  readonly major: number;
  readonly version: string;
  readonly folder: string;
  /** The `pg_dump` beside them, where there is one. */
  readonly pgDump: string | undefined;
};

export type ServerBinaries = LocalBinaries | EmbeddedBinaries;

export type PgDump = {
  readonly path: string;
  readonly major: number;
  readonly version: string;
};

const debianFolder = "/usr/lib/postgresql";

/** The backfill's batches need TID range scans, which came with 14. */
const oldestMajor = 14;

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

async function debianFolders(): Promise<string[]> {
  if (!existsSync(debianFolder)) return [];
  const majors = await readdir(debianFolder);
  return majors.map((major) => path.join(debianFolder, major, "bin"));
}

async function configuredFolders(): Promise<string[]> {
  const { stdout, exitCode } = await execa("pg_config", ["--bindir"], { reject: false });
  return exitCode === 0 ? [stdout] : [];
}

/** The version a PostgreSQL program tells, or undefined where it does not run. */
async function versionOf(program: string): Promise<{ version: string; major: number } | undefined> {
  const { stdout, exitCode } = await execa(program, ["--version"], { reject: false });
  const version = exitCode === 0 ? /\d+(?:\.\d+)*/.exec(stdout)?.[0] : undefined;
  return version === undefined ? undefined : { version, major: Number.parseInt(version, 10) };
}

async function findLocal(): Promise<LocalBinaries[]> {
  const user = await findServerUser();
  const folders = [...(await debianFolders()), ...(await configuredFolders()), ...pathFolders()];
  const found: LocalBinaries[] = [];
  for (const folder of new Set(folders)) {
    const [postgres, initdb, pgDump] = ["postgres", "initdb", "pg_dump"].map((name) =>
      path.join(folder, name),
    );
    if (postgres === undefined || initdb === undefined || pgDump === undefined) continue;
    if (!existsSync(postgres) || !existsSync(initdb)) continue;
    if (!(await isReachable(postgres, user))) continue;
    const version = await versionOf(postgres);
    if (version === undefined) continue;
    const beside = existsSync(pgDump) ? pgDump : undefined;
    found.push({ origin: "local", ...version, folder, pgDump: beside });
  }
  return found;
}

/**
 * Every server that can be started here, the newest first, and of equal ones the machine's own.
 * @param options.major only this major
 * @param options.origin only the machine's own, or only those from npm
 */
export async function findServerBinaries(
  options: { readonly major?: number; readonly origin?: ServerBinaries["origin"] } = {},
): Promise<ServerBinaries[]> {
  const [local, embedded] = await Promise.all([
    options.origin === "embedded" ? [] : findLocal(),
    options.origin === "local" ? [] : findEmbedded(),
  ]);
  return [...local, ...embedded]
    .filter(({ major }) => major >= oldestMajor && major === (options.major ?? major))
    .sort((one, other) => other.major - one.major);
}

/** Every `pg_dump` in Debian's folders or on PATH, the newest first. */
export async function findPgDumps(): Promise<PgDump[]> {
  // Debian's own come first: the one on its PATH is a wrapper that picks a version by itself.
  const folders = new Set([...(await debianFolders()), ...pathFolders()]);
  const programs = [...folders]
    .map((folder) => path.join(folder, "pg_dump"))
    .filter((program) => existsSync(program));
  const found: PgDump[] = [];
  for (const program of programs) {
    const version = await versionOf(program);
    if (version !== undefined) found.push({ path: program, ...version });
  }
  return found.sort((one, other) => other.major - one.major);
}

/** The newest `pg_dump`, or undefined. */
export async function findPgDump(): Promise<PgDump | undefined> {
  return (await findPgDumps())[0];
}

/**
 * The server for the demo: one that can also be backed up here.
 * @throws AppError BACKUP_TOOL_MISSING when pg_dump is missing or older than every server
 */
export async function chooseForDemo(): Promise<{ binaries: ServerBinaries; pgDump: PgDump }> {
  const servers = await findServerBinaries();
  for (const binaries of servers) {
    if (binaries.origin === "local" && binaries.pgDump !== undefined) {
      const { pgDump, major, version } = binaries;
      return { binaries, pgDump: { path: pgDump, major, version } };
    }
  }
  const pgDump = await findPgDump();
  if (pgDump === undefined) throw toolMissing("not found on PATH");
  // pg_dump refuses a server newer than itself.
  const binaries = servers.find(({ major }) => major <= pgDump.major);
  if (binaries === undefined) {
    const majors = servers.map(({ major }) => major).join(", ") || "none";
    throw toolMissing(`version ${pgDump.major} is older than every server here (${majors})`);
  }
  return { binaries, pgDump };
}

function toolMissing(fault: string): AppError {
  return new AppError({
    code: "BACKUP_TOOL_MISSING",
    object: "pg_dump",
    fault,
    state: "nothing was started",
    next: "Debian, Ubuntu: apt-get install postgresql-client; macOS: brew install libpq",
  });
}
