import { existsSync } from "node:fs";
import path from "node:path";
import { AppError } from "../../errors.ts";
import { findServerBinaries, type ServerBinaries } from "../../scratch/binaries.ts";
import { debianFolders, pathFolders, programVersion } from "../../scratch/program-folders.ts";

export type PgDump = {
  readonly path: string;
  readonly major: number;
  readonly version: string;
};

/** Every `pg_dump` in Debian's folders or on PATH, the newest first. */
export async function findPgDumps(): Promise<PgDump[]> {
  // Debian's folders come first: its pg_dump on PATH is a wrapper that picks a version by itself.
  const folders = new Set([...(await debianFolders()), ...pathFolders()]);
  const found = await Promise.all([...folders].map(pgDumpIn));
  return found.filter((one) => one !== undefined).sort((one, other) => other.major - one.major);
}

/** The newest `pg_dump`, or undefined. */
export async function findPgDump(): Promise<PgDump | undefined> {
  return (await findPgDumps())[0];
}

async function pgDumpIn(folder: string): Promise<PgDump | undefined> {
  const program = path.join(folder, "pg_dump");
  if (!existsSync(program)) return undefined;
  const version = await programVersion(program);
  return version === undefined ? undefined : { path: program, ...version };
}

/**
 * The server for the demo: the newest that can also be backed up here.
 * @throws AppError BACKUP_TOOL_MISSING when pg_dump is missing or older than every server
 */
export async function chooseForDemo(): Promise<{ binaries: ServerBinaries; pgDump: PgDump }> {
  const servers = await findServerBinaries();
  for (const binaries of servers) {
    if (binaries.origin !== "local") continue;
    const pgDump = await pgDumpIn(binaries.folder);
    if (pgDump !== undefined) return { binaries, pgDump };
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
    next: "install it, then run the same command again (Debian, Ubuntu: apt-get install postgresql-client; macOS: brew install libpq)",
  });
}
