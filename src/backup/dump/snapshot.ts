import { mkdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type Fingerprint, readFingerprint } from "../../catalog/fingerprint/fingerprint.ts";
import { systemIdentifier } from "../../catalog/system-identifier.ts";
import type { Queries, Session, Target } from "../../postgres/connection.ts";
import { withSession } from "../../postgres/sessions.ts";
import { sql } from "../../postgres/sql.ts";
import type { Encryption } from "../folder/encryption.ts";
import { parts } from "../folder/layout.ts";
import type { Manifest } from "../folder/manifest.ts";
import { type CountedTable, dumpedTables, readContents, stableText } from "./contents.ts";
import { dumpDatabase, lockWaitInMilliseconds } from "./dump.ts";
import { type Globals, readGlobals } from "./globals.ts";
import { readTableBytes, verifySpace } from "./space.ts";
import { type DumpProgress, watchDump } from "./watch-dump.ts";

export type SnapshotRequest = {
  readonly target: Target;
  readonly jobs: number;
  /** gzip's level, from 0 for none to 9; undefined for pg_dump's default. */
  readonly compression?: number | undefined;
  /** Cancels the backup. */
  readonly signal?: AbortSignal;
  /** The run that the backup is made for: a run that takes its lease over ends the sessions. */
  readonly lease?: {
    readonly dumpName: string;
    admit(session: Session): Promise<void>;
  };
  readonly onProgress?: (progress: DumpProgress) => void;
};

export type SnapshotFacts = Pick<
  Manifest,
  "serverVersion" | "serverMajor" | "pgDumpVersion" | "lsn" | "contents"
> & { readonly system: string };

export type TakenSnapshot = {
  readonly facts: SnapshotFacts;
  readonly globals: Globals;
  readonly fingerprint: Fingerprint;
};

/** Settings of the session that holds the snapshot. */
const settings = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  // As long as pg_dump waits: reading conflicts only with ACCESS EXCLUSIVE.
  lock_timeout: String(lockWaitInMilliseconds),
  // As pg_dump does: an error if policies would hide rows, instead of a count that is too low.
  row_security: "off",
  ...stableText,
};

/** Where a dump is written. */
export type DumpPlace = {
  /** The folder of the whole backup. */
  readonly folder: string;
  /** Undefined for a dump in clear. */
  readonly encryption: Encryption | undefined;
};

/** Dumps and counts one snapshot in parallel. The snapshot is held open until both are done. */
export function takeSnapshot(request: SnapshotRequest, place: DumpPlace): Promise<TakenSnapshot> {
  return withSession(request.target, "tenantry backup", settings, async (session) => {
    await request.lease?.admit(session);
    return dumpAndCount(session, request, place);
  });
}

async function dumpAndCount(
  session: Session,
  request: SnapshotRequest,
  { folder, encryption }: DumpPlace,
): Promise<TakenSnapshot> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(request.signal ? [request.signal] : [])]);
  let cancelled: Promise<void> | undefined;
  const cancel = () => {
    cancelled = cancelCount(request.target, session);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await session.transaction(async (queries) => {
      const server = await readServer(queries);
      const tables = await dumpedTables(queries);
      await verifySpace(folder, await readTableBytes(queries), request.compression);
      await mkdir(path.join(folder, parts.content), { mode: 0o700 });
      const dump = path.join(folder, encryption === undefined ? parts.dump : parts.encryptedDump);
      const { snapshot, major, ...facts } = server;
      const dumping = dumpDatabase({
        target: request.target,
        path: dump,
        encryption,
        attempt: folder,
        jobs: request.jobs,
        compression: request.compression,
        snapshot,
        serverMajor: major,
        applicationName: request.lease?.dumpName,
        signal,
      });
      const progress = watchDump(
        encryption === undefined ? { kind: "folder", path: dump } : { kind: "file", path: dump },
        tables.length,
        request.onProgress,
      );
      // The first failure is the reason; the other one is only a consequence of the abort.
      const failures: unknown[] = [];
      const stopOther = (error: unknown): never => {
        failures.push(error);
        failed.abort();
        throw error;
      };
      const [dumped, described] = await Promise.allSettled([
        dumping.catch(stopOther),
        describe(queries, tables).catch(stopOther),
      ]);
      const [watched] = await Promise.allSettled([progress.stop()]);
      await cancelled;
      request.signal?.throwIfAborted();
      if (dumped.status === "rejected" || described.status === "rejected") throw failures[0];
      if (watched.status === "rejected") throw watched.reason;
      const { contents, ...rest } = described.value;
      return {
        ...rest,
        facts: { ...facts, serverMajor: major, pgDumpVersion: dumped.value, contents },
      };
    }, "read only snapshot");
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

const serverSchema = z.object({
  snapshot: z.string(),
  serverVersion: z.string(),
  major: z.number(),
  lsn: z.string(),
  system: z.string(),
});

export async function readServer(queries: Queries): Promise<z.output<typeof serverSchema>> {
  const [server] = await queries.rows(
    sql`
      SELECT pg_export_snapshot() AS snapshot,
             current_setting('server_version') AS "serverVersion",
             current_setting('server_version_num')::integer / 10000 AS major,
             ${systemIdentifier} AS system,
             CASE
               WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
               ELSE pg_current_wal_lsn()
             END::text AS lsn
    `,
    serverSchema,
  );
  if (server === undefined) throw new Error("the server exported no snapshot");
  return server;
}

async function describe(queries: Queries, tables: readonly CountedTable[]) {
  return {
    globals: await readGlobals(queries),
    fingerprint: await readFingerprint(queries),
    contents: await readContents(queries, tables),
  };
}

/**
 * Cancels the count, which can take minutes on a large table. pg_cancel_backend on another session works
 * through every proxy; if that session cannot be opened, a cancel request is sent to the server.
 */
async function cancelCount(target: Target, counting: Session): Promise<void> {
  const cancel = sql`SELECT pg_cancel_backend(${counting.backend})`;
  try {
    await withSession(target, "tenantry backup", {}, (session) => session.execute(cancel));
  } catch {
    // If the server is gone, there is nothing to cancel, and the count has failed already.
    await counting.cancel().catch(() => {});
  }
}
