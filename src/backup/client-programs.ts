import { existsSync } from "node:fs";
import path from "node:path";
import { AppError } from "../errors.ts";
import { findPgDumps } from "../scratch/binaries.ts";

/** PostgreSQL's own programs for dumps: the one that writes them, and the one beside it that reads them. */
export type ClientPrograms = {
  readonly pgDump: string;
  readonly pgRestore: string;
  readonly major: number;
  readonly version: string;
};

/**
 * The client programs for a server: of its own major where they are here, else the newest. What a
 * newer pg_dump writes may hold settings that an older server refuses at restore.
 * @throws AppError BACKUP_TOOL_MISSING when there are none, or all are older than the server
 */
export async function clientProgramsFor(serverMajor: number): Promise<ClientPrograms> {
  const found = (await findPgDumps()).map(({ path: pgDump, ...facts }) => ({
    ...facts,
    pgDump,
    pgRestore: path.join(path.dirname(pgDump), "pg_restore"),
  }));
  const whole = found.filter(({ pgRestore }) => existsSync(pgRestore));
  const chosen = whole.find(({ major }) => major === serverMajor) ?? whole[0];
  if (chosen !== undefined && chosen.major >= serverMajor) return chosen;
  throw new AppError({
    code: "BACKUP_TOOL_MISSING",
    object: "pg_dump",
    fault: missing(found[0]?.major, chosen?.major, serverMajor),
    state: "nothing was changed: no backup, no stage",
    next: `install PostgreSQL's client programs, version ${serverMajor} or later (Debian, Ubuntu: apt-get install postgresql-client-${serverMajor}, where need be from apt.postgresql.org; macOS: brew install libpq)`,
  });
}

function missing(
  found: number | undefined,
  chosen: number | undefined,
  serverMajor: number,
): string {
  if (found === undefined) return "not found on PATH";
  if (chosen === undefined) return `version ${found} has no pg_restore beside it`;
  return `version ${chosen} refuses a server of version ${serverMajor}`;
}
