import path from "node:path";
import { z } from "zod";
import { verifyBelongs } from "../backup/belongs.ts";
import { compareWithBackup } from "../backup/compare.ts";
import { countLostRows, type LostRows } from "../backup/lost-rows.ts";
import { type OpenBackup, withBackup } from "../backup/open.ts";
import { restoreRefused, verifyReplaceable } from "../backup/replaceable.ts";
import { beingRestoredSuffix, restoreBackup } from "../backup/restore.ts";
import { swapDatabases } from "../backup/swap.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { holdLease, withLease } from "../journal/lease.ts";
import { type Session, type Target, targetParts } from "../postgres/connection.ts";
import { sessionSettings } from "../postgres/session-settings.ts";
import { type OpenSession, withSession, withSessions } from "../postgres/sessions.ts";
import { ident, sql } from "../postgres/sql.ts";
import { formatTable } from "../report/table.ts";
import { formatCount } from "../report/units.ts";
import { mayAsk } from "./confirm.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { type Output, withOutput } from "./output.ts";
import { askText } from "./prompt.ts";
import { takeTarget } from "./workplace.ts";

export type RestoreOptions = GlobalOptions & {
  readonly folder: string;
  readonly into?: string | undefined;
  readonly inPlace: boolean;
  readonly identity?: string | undefined;
  /** The database's name, where nobody can be asked for it. */
  readonly confirm?: string | undefined;
};

/**
 * `tenantry restore`: a backup into a database of its own, or in the place of the one it was made of.
 * @throws AppError RESTORE_REFUSED, RESTORE_FAILED, BACKUP_DAMAGED, BACKUP_FOREIGN
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { into, inPlace } = options;
  if ((into === undefined) === !inPlace) {
    throw new AppError({
      code: "USAGE",
      object: "tenantry restore",
      fault: "needs to know where to: either --into another database, or --in-place",
      state: "nothing was changed",
      next: "tenantry restore backups/… --into postgresql://user@host/a_new_database",
    });
  }
  // No program that is started from here on inherits a password.
  const target = takeTarget({ url: into ?? options.url });
  const folder = path.resolve(options.folder);
  const state = "what was begun is dropped again; no database was changed";
  const configured = options.config === undefined ? "." : path.dirname(options.config);
  const log = { command: "restore", folder: path.resolve(configured) } as const;
  await withOutput({ options, target, log }, (output) =>
    interruptible(folder, state, (signal) =>
      withBackup(folder, options.identity, (backup) => {
        const place = { output, target: output.observed(target), signal };
        return into === undefined
          ? restoreInPlace(backup, place, options)
          : restoreInto(backup, place);
      }),
    ),
  );
}

type Place = {
  readonly output: Output;
  readonly target: Target;
  readonly signal: AbortSignal;
};

/** The same with a session on the server, of another database. */
type ServedPlace = Pick<Place, "output" | "signal"> & {
  readonly session: Session;
  readonly server: Target;
  /** The one that is restored, or made. */
  readonly database: string;
};

async function restoreInto(backup: OpenBackup, place: Place): Promise<void> {
  const { output, target } = place;
  const { database } = targetParts(target);
  await onServer(target, async (session, server) => {
    if (await exists(session, database)) {
      throw restoreRefused(
        database,
        "exists already, and what is in it is not overwritten",
        "name a database that does not exist: it is made",
      );
    }
    const restored = await restoreBeside({ ...place, session, server, database }, backup);
    await session.execute(sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(database)}`);
  });
  const { folder } = backup;
  await output.show(
    { kind: "restored", database, folder, keptAs: null },
    () => `${database} holds what ${folder} holds: schema, counts and checksums are the same.\n`,
  );
}

async function restoreInPlace(
  backup: OpenBackup,
  place: Place,
  options: RestoreOptions,
): Promise<void> {
  const { output, target, signal } = place;
  const { database } = targetParts(target);
  const keptAs = `${database.slice(0, 30)}_before_restore_${Date.now()}`;
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
          await confirmLoss(options, output, { backup, database, lost });
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
  await output.show(
    { kind: "restored", database, folder: backup.folder, keptAs },
    () => `${database} is as it was at ${backup.manifest.madeAt}: schema, counts and checksums are those of the backup.
The database as it was until now is kept as ${keptAs}. When nothing in it is needed any more:
  DROP DATABASE ${ident(keptAs).parts.join("")};
`,
  );
}

/** Where what is left to do before the swap comes to nothing, what was restored is dropped. */
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

/** Works on the server from a database that nobody restores. */
async function onServer(
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
 * Restores into a database with a name of its own, always the same for a database: what a killed
 * attempt left is found, and begun again.
 * @returns its name, once it holds what the backup holds
 */
async function restoreBeside(
  { output, signal, session, server, database }: ServedPlace,
  backup: OpenBackup,
): Promise<string> {
  const restored = `${database.slice(0, 30)}${beingRestoredSuffix}`;
  if (await exists(session, restored)) {
    const text = `${restored} is left of an attempt that was killed; it is dropped and made again`;
    output.emit({ kind: "notice", text });
    await session.execute(sql`DROP DATABASE ${ident(restored)} WITH (FORCE)`);
  }
  await restoreBackup({ backup, server, database: restored, jobs: 2, anyLocale: false, signal });
  const differences = await compareWithBackup(backup, { ...server, database: restored }, (text) =>
    output.emit({ kind: "notice", text }),
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

async function exists(session: Session, database: string): Promise<boolean> {
  const found = await session.rows(
    sql`SELECT datname::text FROM pg_database WHERE datname = ${database}`,
    z.object({ datname: z.string() }),
  );
  return found.length > 0;
}

/** @throws AppError CONFIRMATION_NEEDED unless the database's name is given */
async function confirmLoss(
  options: RestoreOptions,
  output: Output,
  facts: { backup: OpenBackup; database: string; lost: readonly LostRows[] },
): Promise<void> {
  const { database, lost } = facts;
  const { madeAt } = facts.backup.manifest;
  const table = formatTable(
    ["table", "written since, lost", "as it was, comes back"],
    lost.map((one) => [one.table, formatCount(one.lost), formatCount(one.back)]),
    [1, 2],
  );
  const gone = lost.reduce((sum, one) => sum + one.lost, 0);
  if (options.json) {
    await output.show({ kind: "restore-loses", database, since: madeAt, tables: lost }, () => "");
  } else {
    // It belongs to the question, and is no result yet.
    process.stderr.write(
      gone + lost.length === 0
        ? `${database} goes back to ${madeAt}: no row was written since.\n`
        : `${database} goes back to ${madeAt}: ${formatCount(gone)} rows that were written or changed since are lost.\n${table}\n`,
    );
  }
  const name = options.confirm ?? (mayAsk(options) ? await askName(database) : undefined);
  if (name === database) return;
  throw new AppError({
    code: "CONFIRMATION_NEEDED",
    object: database,
    fault: name === undefined ? "nobody is there to confirm it" : "it was not confirmed",
    state: "no database was changed; what was restored beside it is dropped again",
    next: `run it again with --confirm and the database's name, when it is meant`,
  });
}

function askName(database: string): Promise<string> {
  return askText(`Everybody is disconnected from ${database} meanwhile. Type its name to go on:`);
}
