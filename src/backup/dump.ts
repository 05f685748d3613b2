import path from "node:path";
import { execa } from "execa";
import { type ConnectionOptions, FormatEnum, pgDump } from "pg-dump-restore";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Target, targetParts } from "../postgres/connection.ts";
import { redacted } from "../postgres/redaction.ts";
import { findPgDump, type PgDump } from "../scratch/binaries.ts";
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
 * @returns the version of the pg_dump that was used
 * @throws AppError BACKUP_TOOL_MISSING or BACKUP_FAILED
 */
export async function dumpDatabase(options: DumpOptions): Promise<string> {
  const program = await pgDumpFor(options.serverMajor);
  const { password, database } = targetParts(options.target);
  await withPassfile(password, async (passfile) => {
    try {
      await startFrom(path.dirname(program.path), () =>
        pgDump(connectionFor(options.target, passfile), {
          filePath: options.folder,
          format: FormatEnum.Directory,
          jobs: options.jobs,
          snapshotName: options.snapshot,
        }),
      );
    } catch (error) {
      throw dumpFailed(database, password, error);
    }
  });
  return versionOf(program);
}

/**
 * The library writes its parts into a URL as they are, and has no place for a passfile or for every
 * SSL mode: so they are encoded here, and the rest goes behind the database's name.
 */
function connectionFor(target: Target, passfile: string | undefined): ConnectionOptions {
  const { host, port, user, database, sslMode } = targetParts(target);
  const parameters = new URLSearchParams({ application_name: "tenantry backup" });
  const given = new URLSearchParams(target.url?.split("?")[1]);
  for (const name of handedOn) {
    const value = given.get(name);
    if (value !== null) parameters.set(name, value);
  }
  const libpqMode = libpqSslMode(sslMode, given.get("ssl"));
  if (libpqMode !== undefined) parameters.set("sslmode", libpqMode);
  if (passfile !== undefined) {
    parameters.set("passfile", passfile);
    // Only a password that is given and empty makes libpq prefer the passfile to PGPASSWORD.
    parameters.set("password", "");
  }
  return {
    host: encodeURIComponent(host),
    port,
    username: encodeURIComponent(user),
    password: "",
    // URLSearchParams writes a space as +, which libpq takes for a plus.
    database: `${encodeURIComponent(database)}?${parameters.toString().replaceAll("+", "%20")}`,
  };
}

/** What a URL says that libpq understands as well, and that is no secret. */
const handedOn = [
  "sslrootcert",
  "sslcert",
  "sslkey",
  "channel_binding",
  "connect_timeout",
  "options",
];

/** The driver has a mode of its own, and takes `ssl=true` for one. */
function libpqSslMode(mode: string | undefined, ssl: string | null): string | undefined {
  if (mode !== undefined) return mode === "no-verify" ? "require" : mode;
  return ssl === "true" || ssl === "1" || ssl === "no-verify" ? "require" : undefined;
}

/**
 * The library takes pg_dump from PATH, with its files as open as the umask lets them be. It starts
 * the process before it first waits, so both are changed for that moment only.
 */
function startFrom<Result>(folder: string, start: () => Promise<Result>): Promise<Result> {
  const searched = process.env["PATH"];
  const mask = process.umask(0o077);
  process.env["PATH"] = [folder, searched].filter(Boolean).join(path.delimiter);
  try {
    return start();
  } finally {
    if (searched === undefined) delete process.env["PATH"];
    else process.env["PATH"] = searched;
    process.umask(mask);
  }
}

async function pgDumpFor(serverMajor: number): Promise<PgDump> {
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
    next: `install PostgreSQL's client programs, version ${serverMajor} or later (Debian, Ubuntu: apt-get install postgresql-client-${serverMajor}, where need be from apt.postgresql.org; macOS: brew install libpq)`,
  });
}

async function versionOf(program: PgDump): Promise<string> {
  const { stdout } = await execa(program.path, ["--version"]);
  return /\d+(?:\.\d+)*/.exec(stdout)?.[0] ?? String(program.major);
}

const failureSchema = z.object({
  stderr: z.string().optional(),
  signal: z.string().optional(),
  /** Without the command, which the message begins with. */
  originalMessage: z.string().optional(),
});

function dumpFailed(database: string, password: string | undefined, error: unknown): AppError {
  const { stderr, signal, originalMessage } = failureSchema.safeParse(error).data ?? {};
  const said = stderr || originalMessage || String(error);
  return new AppError({
    code: "BACKUP_FAILED",
    object: database,
    fault: signal === undefined ? "pg_dump failed" : `pg_dump was ended by ${signal}`,
    state: "nothing was changed: no backup, no stage",
    next: "mend what pg_dump says and run the same command again; its role must be able to read every table, past every policy",
    details: redacted(said, password).trim().split("\n").slice(-10),
  });
}
