import path from "node:path";
import { type ConnectionOptions, FormatEnum, pgDump } from "pg-dump-restore";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Target, targetParts } from "../postgres/connection.ts";
import { findPgDump } from "../scratch/binaries.ts";
import { withPassfile } from "./passfile.ts";

export type DumpOptions = {
  readonly target: Target;
  /** A folder that is not there yet; pg_dump makes it. */
  readonly folder: string;
  readonly jobs: number;
  /** A snapshot that another session exported, so that what it counted is what is dumped. */
  readonly snapshot: string;
  readonly serverMajor: number;
};

/**
 * Dumps a database in the directory format, readable by its owner only.
 * @returns the major version of the pg_dump that was used
 * @throws AppError BACKUP_TOOL_MISSING or BACKUP_FAILED
 */
export async function dumpDatabase(options: DumpOptions): Promise<number> {
  const program = await pgDumpFor(options.serverMajor);
  const parts = targetParts(options.target);
  await withPassfile(parts.password, async (passfile) => {
    try {
      await onPath(path.dirname(program.path), () =>
        pgDump(connectionFor(options.target, passfile), {
          filePath: options.folder,
          format: FormatEnum.Directory,
          jobs: options.jobs,
          snapshotName: options.snapshot,
        }),
      );
    } catch (error) {
      throw dumpFailed(parts.database, error);
    }
  });
  return program.major;
}

/**
 * The library writes its parts into a URL as they are, and has no place for a passfile or for every
 * SSL mode: so they are encoded here, and the rest goes behind the database's name. An empty
 * password makes libpq look into the passfile.
 */
function connectionFor(target: Target, passfile: string | undefined): ConnectionOptions {
  const { host, port, user, database, sslMode } = targetParts(target);
  const parameters = new URLSearchParams({ application_name: "tenantry backup" });
  if (passfile !== undefined) parameters.set("passfile", passfile);
  if (sslMode !== undefined) parameters.set("sslmode", sslMode);
  return {
    host: encodeURIComponent(host),
    port,
    username: encodeURIComponent(user),
    password: "",
    // URLSearchParams writes a space as +, which libpq takes for a plus.
    database: `${encodeURIComponent(database)}?${parameters.toString().replaceAll("+", "%20")}`,
  };
}

/** The library takes pg_dump from PATH, with its files as open as the umask lets them be. */
async function onPath<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const before = process.env["PATH"];
  const mask = process.umask(0o077);
  process.env["PATH"] = [folder, before].filter(Boolean).join(path.delimiter);
  try {
    return await work();
  } finally {
    process.env["PATH"] = before;
    process.umask(mask);
  }
}

async function pgDumpFor(serverMajor: number): Promise<{ path: string; major: number }> {
  const found = await findPgDump();
  if (found !== undefined && found.major >= serverMajor) return found;
  throw new AppError({
    code: "BACKUP_TOOL_MISSING",
    object: "pg_dump",
    fault:
      found === undefined
        ? "not found on PATH"
        : `version ${found.major} refuses a server of version ${serverMajor}`,
    state: "nothing was changed: no backup, no stage",
    next: `install PostgreSQL's client programs, version ${serverMajor} or later (Debian, Ubuntu: apt-get install postgresql-client; macOS: brew install libpq)`,
  });
}

const failureSchema = z.object({ stderr: z.string() });

function dumpFailed(database: string, error: unknown): AppError {
  // The library's message holds its whole command; what pg_dump said is on its standard error.
  const failure = failureSchema.safeParse(error);
  const said =
    failure.success && failure.data.stderr.trim() !== "" ? failure.data.stderr : String(error);
  return new AppError({
    code: "BACKUP_FAILED",
    object: database,
    fault: "pg_dump failed",
    state: "nothing was changed: no backup, no stage",
    next: "mend what pg_dump says and run the same command again",
    details: said.trim().split("\n").slice(-10),
  });
}
