import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { openSession, type Queries, type Target, targetParts } from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";
import type { StageName } from "../steps/stage.ts";
import { version } from "../version.ts";
import { dumpDatabase } from "./dump.ts";
import { describeFiles, type Manifest, writeManifest } from "./manifest.ts";

export type BackupRequest = {
  readonly target: Target;
  readonly stage: StageName;
  /** Where backups land; made where it is not there. */
  readonly folder: string;
  readonly jobs: number;
  readonly fingerprint: string;
  readonly gitTag: string | null;
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
  const name = `${request.stage}-${madeAt.replaceAll(/[-:]|\.\d+/g, "")}`;
  const folder = path.join(request.folder, name);
  const partial = `${folder}.partial`;
  try {
    await mkdir(request.folder, { recursive: true, mode: 0o700 });
    await mkdir(partial, { mode: 0o700 });
  } catch (error) {
    throw cannotWrite(request.folder, error);
  }
  try {
    const facts = await dumpSnapshot(request, path.join(partial, "dump"));
    for (const [file, content] of Object.entries(request.files)) {
      await writeFile(path.join(partial, file), content, { mode: 0o600 });
    }
    const { host, port, database } = targetParts(request.target);
    const manifest: Manifest = {
      format: 1,
      stage: request.stage,
      madeAt,
      database: { host, port, name: database },
      tenantryVersion: version,
      fingerprint: request.fingerprint,
      gitTag: request.gitTag,
      ...facts,
      files: await describeFiles(partial),
    };
    await writeManifest(partial, manifest);
    await rename(partial, folder);
    await syncFolder(request.folder);
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    return { folder, manifest, bytes };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

type SnapshotFacts = Pick<Manifest, "serverVersion" | "pgDumpMajor" | "lsn" | "rowCounts">;

/** Dumps and counts one snapshot, which is held open until both are done. */
async function dumpSnapshot(request: BackupRequest, folder: string): Promise<SnapshotFacts> {
  const session = await openSession(request.target, "tenantry backup", {
    statement_timeout: "0",
    idle_in_transaction_session_timeout: "0",
  });
  try {
    return await session.transaction(async (queries) => {
      const [server] = await queries.rows(
        sql`
          SELECT pg_export_snapshot() AS snapshot,
                 current_setting('server_version') AS "serverVersion",
                 current_setting('server_version_num')::integer / 10000 AS major,
                 pg_current_wal_lsn()::text AS lsn
        `,
        z.object({
          snapshot: z.string(),
          serverVersion: z.string(),
          major: z.number(),
          lsn: z.string(),
        }),
      );
      if (server === undefined) throw new Error("the server exported no snapshot");
      const pgDumpMajor = await dumpDatabase({
        target: request.target,
        folder,
        jobs: request.jobs,
        snapshot: server.snapshot,
        serverMajor: server.major,
      });
      const { serverVersion, lsn } = server;
      return { serverVersion, lsn, pgDumpMajor, rowCounts: await countRows(queries) };
    }, "read only snapshot");
  } finally {
    await session.close();
  }
}

async function countRows(queries: Queries): Promise<Manifest["rowCounts"]> {
  const tables = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS "table"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r'
         AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenantry')
       ORDER BY 1, 2
    `,
    z.object({ schema: z.string(), table: z.string() }),
  );
  const counts: Manifest["rowCounts"] = [];
  for (const { schema, table } of tables) {
    const [row] = await queries.rows(
      sql`
        SELECT count(*) AS rows
          FROM ${ident({ schema, name: table })}
      `,
      z.object({ rows: z.coerce.number() }),
    );
    counts.push({ schema, table, rows: row?.rows ?? 0 });
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

function cannotWrite(folder: string, error: unknown): AppError {
  return new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `no backup can be written here: ${error instanceof Error ? error.message : String(error)}`,
    state: "nothing was changed: no backup, no stage",
    next: "name a folder that can be written in the configuration's backups.folder",
    cause: error,
  });
}
