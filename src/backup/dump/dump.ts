import { FormatEnum, pgDump } from "pg-dump-restore";
import { type Target, targetParts } from "../../postgres/connection.ts";
import { programFailed } from "../programs/client-failure.ts";
import { clientProgramsFor } from "../programs/client-programs.ts";
import { connectionFor } from "../programs/connection-options.ts";
import { launch } from "../programs/launch.ts";

export type DumpOptions = {
  readonly target: Target;
  /** A folder that does not exist yet; pg_dump creates it. */
  readonly folder: string;
  /** The folder of the whole backup, removed if this process is killed. */
  readonly attempt: string;
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
 * Dumps a database in the directory format, readable by its owner only.
 * @returns the version of the pg_dump that was used
 * @throws AppError BACKUP_TOOL_MISSING or BACKUP_FAILED
 */
export async function dumpDatabase(options: DumpOptions): Promise<string> {
  const programs = await clientProgramsFor(options.serverMajor);
  const { password, database } = targetParts(options.target);
  try {
    const { signal, attempt } = options;
    const launched = {
      program: programs.pgDump,
      password,
      signal,
      removesWhenKilled: [attempt],
      nice: true,
    };
    await launch(launched, (passfile) =>
      pgDump(connectionFor(options.target, passfile, {}, options.applicationName), {
        filePath: options.folder,
        format: FormatEnum.Directory,
        jobs: options.jobs,
        snapshotName: options.snapshot,
        lockWaitTimeout: lockWaitInMilliseconds,
        schemaOnly: options.schemaOnly === true,
        ...(options.compression === undefined ? {} : { compress: options.compression }),
      }),
    );
  } catch (error) {
    throw programFailed(error, {
      program: "pg_dump",
      code: "BACKUP_FAILED",
      object: database,
      password,
      state: "nothing was changed: no stage begins without a backup",
      next: "fix what pg_dump reports, then run the same command again. Its role must be able to read every row of every table (a superuser, or BYPASSRLS with SELECT). max_connections and the CONNECTION LIMIT of role and database must allow one session more than backups.jobs",
    });
  }
  return programs.version;
}
