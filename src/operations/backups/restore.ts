import { identityIn } from "../../backup/folder/encryption.ts";
import { type OpenBackup, withBackup } from "../../backup/folder/open.ts";
import { restoreRefused } from "../../backup/restore/replaceable.ts";
import { type Target, targetParts } from "../../postgres/connection.ts";
import { ident, sql, toScript } from "../../postgres/sql.ts";
import type { Caller } from "../context/caller.ts";
import { interruptible } from "../context/interruptible.ts";
import { exists, onServer, type RestorePlace, restoreBeside } from "../restore/restore-beside.ts";
import { restoreInPlace } from "../restore/restore-in-place.ts";

export type RestoreRequest = {
  /** The backup's. */
  readonly folder: string;
  /** The database that is made, or the one that is replaced. */
  readonly target: Target;
  /** Replaces the database that the backup was made of; it is kept under another name. */
  readonly inPlace: boolean;
  /** A file with age's identity, for a backup that is encrypted. */
  readonly identity?: string | undefined;
};

export type RestoreResult = {
  readonly database: string;
  readonly folder: string;
  /** When the backup was made. */
  readonly madeAt: string;
  /** The name of the database that was replaced; null where none was. */
  readonly keptAs: string | null;
  /** The SQL that drops the one that was replaced, when nothing in it is needed any more. */
  readonly dropKept: string | null;
};

/**
 * Restores a backup into a new database, or replaces the database that it was made of. What was
 * restored is compared with what was backed up before anything is replaced.
 * @throws AppError RESTORE_REFUSED, RESTORE_FAILED, BACKUP_DAMAGED, BACKUP_FOREIGN
 */
export function restore(caller: Caller, request: RestoreRequest): Promise<RestoreResult> {
  const { folder, target, inPlace, identity } = request;
  const state = "what was begun is dropped again; no database was changed";
  return interruptible(caller, { what: folder, state }, (signal) =>
    withBackup(folder, identityIn(identity), async (backup) => {
      const place = { caller, target, signal };
      const keptAs = inPlace
        ? await restoreInPlace(backup, place)
        : await restoreInto(backup, place);
      const { madeAt } = backup.manifest;
      const { database } = targetParts(target);
      const dropKept = keptAs === null ? null : toScript(sql`DROP DATABASE ${ident(keptAs)}`);
      return { database, folder: backup.folder, madeAt, keptAs, dropKept };
    }),
  );
}

async function restoreInto(backup: OpenBackup, place: RestorePlace): Promise<null> {
  const { target } = place;
  const { database } = targetParts(target);
  await onServer(target, async (session, server) => {
    if (await exists(session, database)) {
      throw restoreRefused(
        database,
        "already exists, and is not overwritten",
        "name a database that does not exist: it is created",
      );
    }
    const restored = await restoreBeside({ ...place, session, server, database }, backup);
    await session.execute(sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(database)}`);
  });
  return null;
}
