import type { OpenBackup } from "../../backup/folder/open.ts";
import { countLostRows } from "../../backup/restore/lost-rows.ts";
import { restoreRefused, verifyReplaceable } from "../../backup/restore/replaceable.ts";
import { swapDatabases } from "../../backup/restore/swap.ts";
import { verifyBelongs } from "../../backup/same-database.ts";
import { readRuns } from "../../journal/journal.ts";
import { holdLease, withLease } from "../../journal/lease.ts";
import { type Session, type Target, targetParts } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { type OpenSession, withSessions } from "../../postgres/sessions.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { nameFor } from "../../steps/model/naming.ts";
import { onServer, type RestorePlace, restoreBeside, type ServedPlace } from "./restore-beside.ts";

/**
 * Restores a backup beside the database that it was made of, and swaps the two.
 * @returns the name under which the database as it was until now is kept
 */
export async function restoreInPlace(backup: OpenBackup, place: RestorePlace): Promise<string> {
  const { caller, target, signal } = place;
  const { database, host } = targetParts(target);
  const keptAs = nameFor("", database, `_before_restore_${Date.now()}`);
  await withSessions(async (open) => {
    const live = await open(target, "tenantry restore", sessionSettings);
    await whileHeld(open, live, target, async (hold) => {
      await verifyBelongs(backup, live);
      await onServer(target, async (session, server) => {
        await verifyReplaceable(session, database);
        const served = { ...place, session, server, database };
        const restored = await restoreBeside(served, backup);
        const ending = await dropUnlessReady(served, restored, async (state) => {
          const copied = { ...server, database: restored };
          const copy = await open(copied, "tenantry restore", sessionSettings, state);
          const lost = await countLostRows(live, copy);
          await copy.close();
          signal.throwIfAborted();
          const since = backup.manifest.madeAt;
          const loss = { kind: "restore in place", database, host, since, lost } as const;
          await caller.questions.confirm(loss);
          await hold.verify();
          return open(server, "tenantry restore", sessionSettings, state);
        });
        // Nobody may be connected to a database whose name changes.
        await hold.release();
        await live.close();
        await swapDatabases({ renaming: session, ending }, { live: database, restored, keptAs });
      });
    });
  });
  return keptAs;
}

/** Drops what was restored where the work before the swap fails. */
async function dropUnlessReady<Result>(
  { session }: ServedPlace,
  restored: string,
  work: (state: string) => Promise<Result>,
): Promise<Result> {
  try {
    return await work("no database was changed; what was restored beside it is dropped again");
  } catch (error) {
    await session.execute(sql`DROP DATABASE IF EXISTS ${ident(restored)} WITH (FORCE)`);
    throw error;
  }
}

/** Keeps other runs out of a database. */
type Hold = {
  /** @throws AppError LEASE_LOST where another run came in, such as while this process was paused */
  verify(): Promise<void>;
  /** Before the database's name changes. */
  release(): Promise<void>;
};

/**
 * Keeps other runs out for as long as rows are counted.
 * @throws AppError RESTORE_REFUSED while a stage could still be rolled back
 */
async function whileHeld(
  open: OpenSession,
  live: Session,
  target: Target,
  work: (hold: Hold) => Promise<void>,
): Promise<void> {
  const runs = await readRuns(live);
  const standing = runs.filter(({ state }) => state === "applied" || state === "running");
  if (standing.length > 0) {
    throw restoreRefused(
      standing.map(({ stage }) => stage).join(", "),
      "can still be rolled back, which keeps every row that was written since",
      "tenantry rollback --all; restore in place only where that was tried and did not do",
    );
  }
  if (runs.length === 0) return work({ verify: async () => {}, release: async () => {} });
  const keeper = await open(target, "tenantry lease", sessionSettings);
  await withLease(keeper, (lease) =>
    work({
      verify: () => live.transaction((queries) => holdLease(queries, lease.token)),
      async release() {
        await lease.release();
        await keeper.close();
      },
    }),
  );
}
