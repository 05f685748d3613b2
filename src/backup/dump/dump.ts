import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { FormatEnum, pgDump } from "pg-dump-restore";
import { diskFix } from "../../errors.ts";
import { type Target, targetParts } from "../../postgres/connection.ts";
import type { Encryption } from "../folder/encryption.ts";
import { programFailed } from "../programs/client-failure.ts";
import { clientProgramsFor } from "../programs/client-programs.ts";
import { connectionFor } from "../programs/connection-options.ts";
import { launch } from "../programs/launch.ts";
import { type Flow, FlowFailed } from "../programs/pipe.ts";

export type DumpOptions = {
  readonly target: Target;
  /** A folder that does not exist yet; pg_dump creates it. With encryption, a file that does not exist yet. */
  readonly path: string;
  /** Encrypts the output while pg_dump writes it, as one file: nothing of it is on the disk in clear. */
  readonly encryption?: Encryption | undefined;
  /** The folder of the whole backup, removed if this process is killed. */
  readonly attempt: string;
  /** An encrypted dump is written by one job. */
  readonly jobs: number;
  /** gzip's level, from 0 for none to 9; undefined for pg_dump's default. */
  readonly compression?: number | undefined;
  /** A snapshot that another session exported, so that the counted rows are the dumped rows. */
  readonly snapshot: string;
  /** Without the rows. */
  readonly schemaOnly?: boolean;
  /** What its sessions are called on the server. */
  readonly applicationName?: string | undefined;
  readonly serverMajor: number;
  readonly signal?: AbortSignal;
};

/** How long pg_dump waits for its ACCESS SHARE locks, which conflict only with ACCESS EXCLUSIVE. */
export const lockWaitInMilliseconds = 60_000;

/**
 * Dumps a database, readable by its owner only: in the directory format or, encrypted, in the custom format,
 * which is one stream.
 * @returns the version of the pg_dump that was used
 * @throws AppError BACKUP_TOOL_MISSING or BACKUP_FAILED
 */
export async function dumpDatabase(options: DumpOptions): Promise<string> {
  const programs = await clientProgramsFor(options.serverMajor);
  const { password, database } = targetParts(options.target);
  try {
    const { signal, attempt, encryption } = options;
    const launched = {
      program: programs.pgDump,
      password,
      signal,
      removesWhenKilled: [attempt],
      nice: true,
      flow: encryption === undefined ? undefined : encryptedInto(options.path, encryption),
    };
    await launch(launched, ({ passfile, pipe }) =>
      pgDump(connectionFor(options.target, passfile, {}, options.applicationName), {
        ...outputOf(options, pipe),
        snapshotName: options.snapshot,
        lockWaitTimeout: lockWaitInMilliseconds,
        schemaOnly: options.schemaOnly === true,
        ...(options.compression === undefined ? {} : { compress: options.compression }),
      }),
    );
  } catch (error) {
    if (error instanceof FlowFailed) throw error.cause;
    throw programFailed(error, {
      program: "pg_dump",
      code: "BACKUP_FAILED",
      object: database,
      password,
      state: "nothing was changed: no stage begins without a backup",
      next:
        diskFix(await whyRefused(options.attempt), elsewhere) ??
        "fix what pg_dump reports, then run the same command again. Its role must be able to read every row of every table (a superuser, or BYPASSRLS with SELECT). max_connections and the CONNECTION LIMIT of role and database must allow one session more than backups.jobs",
    });
  }
  return programs.version;
}

const elsewhere = "set backups.folder to a folder on another disk in the configuration";

/** pg_dump reports a full disk in words only, so a file is written: that has a code. */
async function whyRefused(folder: string): Promise<unknown> {
  const file = path.join(folder, "probe");
  try {
    await writeFile(file, Buffer.alloc(1024 * 1024), { flush: true });
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await rm(file, { force: true });
  }
}

function encryptedInto(file: string, encryption: Encryption): Flow {
  return { kind: "from program", take: (content) => encryption.write(content, file) };
}

function outputOf(options: DumpOptions, pipe: string | undefined) {
  const { jobs } = options;
  return pipe === undefined
    ? { filePath: options.path, format: FormatEnum.Directory, jobs }
    : // A pipe cannot be synced; the encrypted file is.
      { filePath: pipe, format: FormatEnum.Custom, noSync: true };
}
