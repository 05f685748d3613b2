import { existsSync } from "node:fs";
import path from "node:path";
import { isSince, november2026 } from "../../catalog/server/minors.ts";
import { AppError } from "../../errors.ts";
import { findPgDumps } from "./pg-dump.ts";

/** A pg_dump, and the pg_restore in the same folder. */
export type ClientPrograms = {
  readonly pgDump: string;
  readonly pgRestore: string;
  readonly major: number;
  readonly version: string;
};

/**
 * The client programs for a server: of the server's major if they are installed, else of the next major.
 * A newer pg_dump may write settings that an older server refuses at restore.
 * @throws AppError BACKUP_TOOL_MISSING when there are none, or all are older than the server
 */
export async function clientProgramsFor(serverMajor: number): Promise<ClientPrograms> {
  const { found, chosen } = await choosePrograms(serverMajor);
  if (chosen !== undefined && chosen.major >= serverMajor) return chosen;
  throw toolMissing(
    "pg_dump",
    serverMajor,
    missing(found, chosen?.major) ??
      `version ${chosen?.major} refuses a server of version ${serverMajor}`,
  );
}

/**
 * The client programs for a dump: of the major that wrote it if they are installed, else of the next.
 * @throws AppError BACKUP_TOOL_MISSING when there are none, or all are older than the dump
 */
export async function clientProgramsForDump(dumpMajor: number): Promise<ClientPrograms> {
  const { found, chosen } = await choosePrograms(dumpMajor);
  if (chosen !== undefined && chosen.major >= dumpMajor) return chosen;
  throw toolMissing(
    "pg_restore",
    dumpMajor,
    missing(found, chosen?.major) ??
      `version ${chosen?.major} cannot read what pg_dump ${dumpMajor} wrote`,
  );
}

/** From this major on, pg_dump and pg_restore set transaction_timeout, which older servers refuse. */
const transactionTimeoutSince = 17;

/** Whether a dump that these programs make of a server of this major can be restored into that server. */
export function canRestoreInto(programs: ClientPrograms, serverMajor: number): boolean {
  return programs.major < transactionTimeoutSince || serverMajor >= transactionTimeoutSince;
}

/**
 * Whether this pg_dump dumps attribute options that the server uses internally (pg_attver). It does if it
 * is older than the server's minor version, and an older server then refuses the dump.
 * @param serverVersion as in server_version_num
 */
export function dumpsOwnOptions(
  { major, version }: Pick<ClientPrograms, "major" | "version">,
  serverVersion: number,
): boolean {
  const minor = Number(version.split(".")[1] ?? 0);
  return (
    isSince(november2026, Math.floor(serverVersion / 10_000), serverVersion % 10_000) &&
    !isSince(november2026, major, minor)
  );
}

async function choosePrograms(
  major: number,
): Promise<{ found: number | undefined; chosen: ClientPrograms | undefined }> {
  const found = (await findPgDumps()).map(({ path: pgDump, ...facts }) => ({
    ...facts,
    pgDump,
    pgRestore: path.join(path.dirname(pgDump), "pg_restore"),
  }));
  const whole = found.filter(({ pgRestore }) => existsSync(pgRestore));
  const nearest = Math.min(...whole.map((one) => one.major).filter((one) => one >= major));
  const chosen = whole.find((programs) => programs.major === nearest) ?? whole[0];
  return { found: found[0]?.major, chosen };
}

function toolMissing(object: string, major: number, fault: string): AppError {
  return new AppError({
    code: "BACKUP_TOOL_MISSING",
    object,
    fault,
    state:
      object === "pg_dump"
        ? "nothing was changed: no stage begins without a backup"
        : "nothing was changed",
    next: `install PostgreSQL's client programs, version ${suitable(major)} (Debian, Ubuntu: apt-get install postgresql-client-${major}, from apt.postgresql.org if your release does not have it; macOS: brew install libpq)`,
  });
}

/** The majors whose programs can be used for a server or a dump of this major. */
function suitable(major: number): string {
  const last = transactionTimeoutSince - 1;
  if (major > last) return `${major} or later`;
  return major === last ? `${major}` : `${major} to ${last}`;
}

function missing(found: number | undefined, chosen: number | undefined): string | undefined {
  if (found === undefined) return "not found on PATH";
  if (chosen === undefined) return `version ${found} has no pg_restore in its folder`;
  return undefined;
}
