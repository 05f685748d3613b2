import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError, messageOf } from "../../errors.ts";
import {
  isConnectionLoss,
  type Queries,
  type Session,
  sqlState,
} from "../../postgres/connection.ts";
import { ident, sql, toScript } from "../../postgres/sql.ts";
import { endSessions, readLastingSessions } from "./database-sessions.ts";

export type Swap = {
  readonly live: string;
  readonly restored: string;
  /** What the live one is called from then on. */
  readonly keptAs: string;
};

/**
 * Puts a restored database in the place of the live one, which is kept under another name. The two
 * names change in one transaction, and nothing else is changed on the way: a kill at any moment
 * leaves the one state or the other, open to everybody.
 * @param renaming of neither database
 * @param ending the same; it ends the sessions that the other waits for
 * @throws AppError RESTORE_FAILED when somebody stays connected; nothing is changed then
 */
export async function swapDatabases(
  { renaming, ending }: { readonly renaming: Session; readonly ending: Session },
  swap: Swap,
): Promise<void> {
  const live = await readOid(ending, swap.live);
  await endSessions(ending, await readOid(ending, swap.restored));
  let settled = false;
  // RENAME locks the database against new sessions, and only then waits five seconds for those in it.
  const renamed = rename(renaming, swap).finally(() => {
    settled = true;
  });
  const ended = endSessionsUntil(ending, live, () => settled);
  const [outcome] = await Promise.allSettled([renamed, ended]);
  if (outcome.status === "fulfilled") return;
  const lasting = await readLastingSessions(ending, swap.live).catch((error: unknown) => [
    `roles that could not be asked for (${messageOf(error)})`,
  ]);
  throw notSwapped(outcome.reason, swap, lasting);
}

function rename(session: Session, swap: Swap): Promise<void> {
  return session.transaction(
    async (queries) => {
      for (const statement of renames(swap)) await queries.execute(statement);
    },
    "read write",
    // While it waits for its lock nobody gets in.
    { lock_timeout: "10s" },
  );
}

function renames({ live, restored, keptAs }: Swap) {
  return [
    sql`ALTER DATABASE ${ident(live)} RENAME TO ${ident(keptAs)}`,
    sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(live)}`,
  ];
}

/** By its number: as soon as the names have changed, the live one's is another database's. */
async function readOid(queries: Queries, database: string): Promise<string> {
  const [row] = await queries.rows(
    sql`SELECT oid::text FROM pg_database WHERE datname = ${database}`,
    z.object({ oid: z.string() }),
  );
  if (row === undefined) throw new Error(`the server has no database ${database}`);
  return row.oid;
}

async function endSessionsUntil(
  queries: Queries,
  database: string,
  settled: () => boolean,
): Promise<void> {
  while (!settled()) {
    await endSessions(queries, database);
    await sleep(50);
  }
}

function notSwapped(error: unknown, swap: Swap, lasting: readonly string[]): AppError {
  const { live, restored, keptAs } = swap;
  if (isConnectionLoss(error)) {
    return new AppError({
      code: "RESTORE_FAILED",
      object: live,
      fault: `the connection was lost while the names changed: ${messageOf(error)}`,
      state: `both names changed or none, and ${live} is open: where there is a database ${keptAs}, that is the one as it was, and the restore is done`,
      next: `look for ${keptAs} with psql --list; where it is not there, run the same command again`,
      cause: error,
    });
  }
  // 55006: object in use.
  const inUse = sqlState(error) === "55006";
  const whose = lasting.length === 0 ? "its sessions" : `sessions of ${lasting.join(", ")}`;
  return new AppError({
    code: "RESTORE_FAILED",
    object: live,
    fault: inUse
      ? `is in use, and ${whose} could not be ended`
      : `could not be put out of its place: ${messageOf(error)}`,
    state: `the database is as it was, and open; what was restored is in ${restored}`,
    next: "stop the application, and run the same command again; or, while nobody is connected, run the statements below in psql",
    details: renames(swap).map(toScript),
    cause: error,
  });
}
