import { z } from "zod";
import type { OpenBackup } from "../../backup/folder/open.ts";
import { compareWithBackup } from "../../backup/restore/compare.ts";
import { beingRestoredSuffix, restoreBackup } from "../../backup/restore/restore.ts";
import { AppError } from "../../errors.ts";
import { type Session, type Target, targetParts } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSession } from "../../postgres/sessions.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { nameFor } from "../../steps/model/naming.ts";
import type { Caller } from "../context/caller.ts";

/** Where a backup is restored, and who asked for it. */
export type RestorePlace = {
  readonly caller: Caller;
  readonly target: Target;
  readonly signal: AbortSignal;
};

/** The same with a session on the server, of another database. */
export type ServedPlace = RestorePlace & {
  readonly session: Session;
  readonly server: Target;
  /** The database that is restored, or made. */
  readonly database: string;
};

/** Works on the server from a database that is not being restored. */
export async function onServer(
  target: Target,
  work: (session: Session, server: Target) => Promise<void>,
): Promise<void> {
  const own = targetParts(target).database === "postgres";
  const server = { ...target, database: own ? "template1" : "postgres" };
  await withSession(server, "tenantry restore", sessionSettings, (session) =>
    work(session, server),
  );
}

/**
 * Restores into a database under a temporary name, always the same for a database: what a killed
 * attempt left is found, dropped and made again.
 * @returns its name, once it holds what the backup holds
 */
export async function restoreBeside(
  { caller, signal, session, server, database }: ServedPlace,
  backup: OpenBackup,
): Promise<string> {
  const restored = nameFor("", database, beingRestoredSuffix);
  if (await exists(session, restored)) {
    const text = `${restored} is left of an attempt that was killed; it is dropped and made again`;
    caller.emit({ kind: "notice", text });
    await session.execute(sql`DROP DATABASE ${ident(restored)} WITH (FORCE)`);
  }
  await restoreBackup({ backup, server, database: restored, jobs: 2, anyLocale: false, signal });
  const differences = await compareWithBackup(backup, { ...server, database: restored }, (text) =>
    caller.emit({ kind: "notice", text }),
  );
  if (differences.length === 0) return restored;
  await session.execute(sql`DROP DATABASE ${ident(restored)} WITH (FORCE)`);
  throw new AppError({
    code: "RESTORE_FAILED",
    object: database,
    fault: "what was restored is not what was backed up",
    state: "what was begun is dropped again; no database was changed",
    next: "look at what differs; another server or another backup may do",
    details: differences,
  });
}

export async function exists(session: Session, database: string): Promise<boolean> {
  const found = await session.rows(
    sql`SELECT datname::text FROM pg_database WHERE datname = ${database}`,
    z.object({ datname: z.string() }),
  );
  return found.length > 0;
}
