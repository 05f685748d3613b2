import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError } from "../errors.ts";
import {
  isConnectionLoss,
  openSession,
  type Queries,
  sqlState,
  type Target,
  targetParts,
} from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";
import type { StageName } from "../steps/stage.ts";
import { version } from "../version.ts";
import { dumpDatabase } from "./dump.ts";
import { describeFiles, type Manifest, partialSuffix, writeManifest } from "./manifest.ts";

export type BackupRequest = {
  readonly target: Target;
  readonly stage: StageName;
  /** Where backups land; made where it is not there. */
  readonly folder: string;
  readonly jobs: number;
  readonly fingerprint: string;
  /** Tags the application's repository, told where the backup will be; gives the tag's name. */
  readonly tag: (folder: string) => Promise<string | null>;
  /** Further files, by name: the rollback script. */
  readonly files: Readonly<Record<string, string>>;
};

export type Backup = {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly bytes: number;
};

/**
 * Backs a database up: dump, row counts of the same snapshot, and a manifest of all files. Until it
 * is whole its folder ends in `.partial`, so that half a backup is never taken for one.
 * @throws AppError BACKUP_FAILED or BACKUP_TOOL_MISSING; what was begun is removed
 */
export async function backUp(request: BackupRequest): Promise<Backup> {
  const madeAt = new Date().toISOString();
  const folder = await reserve(request, madeAt);
  const partial = `${folder}${partialSuffix}`;
  try {
    const gitTag = await request.tag(folder);
    const facts = await dumpSnapshot(request, path.join(partial, "dump"));
    for (const [file, content] of Object.entries(request.files)) {
      await writeFile(path.join(partial, file), content, { mode: 0o600, flush: true });
    }
    const { host, port, database } = targetParts(request.target);
    const files = await describeFiles(partial);
    const manifest: Manifest = {
      format: 1,
      stage: request.stage,
      madeAt,
      database: { host, port, name: database },
      tenantryVersion: version,
      fingerprint: request.fingerprint,
      gitTag,
      ...facts,
      totalBytes: files.reduce((sum, file) => sum + file.bytes, 0),
      files,
    };
    await writeManifest(partial, manifest);
    await syncFolder(partial);
    await rename(partial, folder);
    await syncFolder(request.folder);
    return { folder, manifest, bytes: manifest.totalBytes };
  } catch (error) {
    const left = await remove(partial);
    throw backupFailed(request, error, left);
  }
}

/** Makes the folder to write into, still with its suffix, under a name that no backup has. */
async function reserve(request: BackupRequest, madeAt: string): Promise<string> {
  const name = `${request.stage}-${madeAt.replaceAll(/[-:]|\.\d+/g, "")}`;
  try {
    const made = await mkdir(request.folder, { recursive: true, mode: 0o700 });
    // A dump in the application's repository is one `git add .` away from everyone who can read it.
    if (made !== undefined) await writeFile(path.join(request.folder, ".gitignore"), "*\n");
    for (let number = 1; ; number += 1) {
      const folder = path.join(request.folder, number === 1 ? name : `${name}-${number}`);
      const partial = `${folder}${partialSuffix}`;
      if (!(await makeFolder(partial))) continue;
      if (!existsSync(folder)) return folder;
      await rmdir(partial);
    }
  } catch (error) {
    throw new AppError({
      code: "BACKUP_FAILED",
      object: request.folder,
      fault: `no backup can be written here: ${messageOf(error)}`,
      state: "nothing was changed: no backup, no stage",
      next: "name a folder that can be written in the configuration's backups.folder",
      cause: error,
    });
  }
}

/** Whether it was made: otherwise another attempt has it. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemErrorSchema.safeParse(error).data?.code === "EEXIST") return false;
    throw error;
  }
}

type SnapshotFacts = Pick<Manifest, "serverVersion" | "pgDumpVersion" | "lsn" | "rowCounts">;

/** Dumps and counts one snapshot, which is held open until both are done. */
async function dumpSnapshot(request: BackupRequest, folder: string): Promise<SnapshotFacts> {
  const session = await openSession(request.target, "tenantry backup", {
    statement_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    // Counting fails where policies would hide rows, as pg_dump does, and does not count the rest.
    row_security: "off",
  });
  try {
    return await session.transaction(async (queries) => {
      const [server] = await queries.rows(
        sql`
          SELECT pg_export_snapshot() AS snapshot,
                 current_setting('server_version') AS "serverVersion",
                 current_setting('server_version_num')::integer / 10000 AS major,
                 CASE
                   WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                   ELSE pg_current_wal_lsn()
                 END::text AS lsn
        `,
        z.object({
          snapshot: z.string(),
          serverVersion: z.string(),
          major: z.number(),
          lsn: z.string(),
        }),
      );
      if (server === undefined) throw new Error("the server exported no snapshot");
      const pgDumpVersion = await dumpDatabase({
        target: request.target,
        folder,
        jobs: request.jobs,
        snapshot: server.snapshot,
        serverMajor: server.major,
      });
      const { serverVersion, lsn } = server;
      return { serverVersion, lsn, pgDumpVersion, rowCounts: await countRows(queries) };
    }, "read only snapshot");
  } finally {
    await session.close();
  }
}

/** Counts the tables whose rows the dump holds: an extension brings its own when it is created. */
async function countRows(queries: Queries): Promise<Manifest["rowCounts"]> {
  const tables = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS "table"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r'
         AND n.nspname NOT IN ('information_schema', 'tenantry')
         AND n.nspname !~ '^pg_'
         AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery())
         AND NOT EXISTS (
               SELECT
                 FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid
                  AND d.deptype = 'e'
             )
       ORDER BY 1, 2
    `,
    z.object({ schema: z.string(), table: z.string() }),
  );
  const counts: Manifest["rowCounts"] = [];
  for (const { schema, table } of tables) {
    const [row] = await queries.rows(
      sql`
        SELECT count(*) AS rows
          FROM ONLY ${ident({ schema, name: table })}
      `,
      z.object({ rows: z.coerce.number() }),
    );
    if (row === undefined) throw new Error(`the server counted nothing in ${schema}.${table}`);
    counts.push({ schema, table, rows: row.rows });
  }
  return counts;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a failed attempt. What cannot be removed says so, and its name says that it is none. */
async function remove(partial: string): Promise<string[]> {
  try {
    await rm(partial, { recursive: true, force: true });
    return [];
  } catch (error) {
    return [`what was begun is left in ${partial}: ${messageOf(error)}`];
  }
}

const systemErrorSchema = z.object({ code: z.string(), syscall: z.string() });

function backupFailed({ folder }: BackupRequest, error: unknown, left: readonly string[]): unknown {
  if (error instanceof AppError) {
    if (left.length === 0) return error;
    const { code, object, fault, state, next, details, cause } = error;
    return new AppError({
      ...{ code, object, fault, state, next, cause },
      details: [...details, ...left],
    });
  }
  const fromOutside =
    sqlState(error) !== undefined ||
    isConnectionLoss(error) ||
    systemErrorSchema.safeParse(error).success;
  if (!fromOutside) return error;
  return new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `the backup could not be finished: ${messageOf(error)}`,
    state: "nothing was changed: no backup, no stage",
    next: "mend that and run the same command again",
    details: left,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
