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
import { endSessions, readSessionsOfOthers } from "./database-sessions.ts";

export type Swap = {
  readonly live: string;
  readonly restored: string;
  /** The new name of the live database. */
  readonly keptAs: string;
};

/**
 * Replaces the live database by the restored one, and keeps the live one under another name. Both names
 * change in one transaction, and nothing else changes: a kill at any moment leaves either both old names
 * or both new names, and connections are accepted in both cases.
 * @param renaming a session of neither database
 * @param ending another one, which ends the sessions that the first waits for
 * @throws AppError RESTORE_FAILED if a session stays connected; nothing is changed then
 */
export async function swapDatabases(
  { renaming, ending }: { readonly renaming: Session; readonly ending: Session },
  swap: Swap,
): Promise<void> {
  const live = await readOid(ending, swap.live);
  await endSessions(ending, await readOid(ending, swap.restored));
  let settled = false;
  // RENAME first locks the database against new sessions, then waits five seconds for existing ones.
  const renamed = rename(renaming, swap).finally(() => {
    settled = true;
  });
  const ended = endSessionsUntil(ending, live, () => settled);
  const [outcome] = await Promise.allSettled([renamed, ended]);
  if (outcome.status === "fulfilled") return;
  const others = await readSessionsOfOthers(ending, swap.live).catch((error: unknown) => [
    `roles that could not be read (${messageOf(error)})`,
  ]);
  throw notSwapped(outcome.reason, swap, others);
}

function rename(session: Session, swap: Swap): Promise<void> {
  return session.transaction(
    async (queries) => {
      for (const statement of renames(swap)) await queries.execute(statement);
    },
    "read write",
    // While it waits for its lock, the database accepts no new session.
    { lock_timeout: "10s" },
  );
}

function renames({ live, restored, keptAs }: Swap) {
  return [
    sql`ALTER DATABASE ${ident(live)} RENAME TO ${ident(keptAs)}`,
    sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(live)}`,
  ];
}

/** The OID: after the renames, the live name belongs to the other database. */
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

function notSwapped(error: unknown, swap: Swap, others: readonly string[]): AppError {
  const { live, restored, keptAs } = swap;
  if (isConnectionLoss(error)) {
    return new AppError({
      code: "RESTORE_FAILED",
      object: live,
      fault: `the connection was lost while the names changed: ${messageOf(error)}`,
      state: `both names changed or none, and ${live} is open. If there is a database ${keptAs}, it is the one from before, and the restore is done`,
      next: `look for ${keptAs} with psql --list; if it is not there, run the same command again`,
      cause: error,
    });
  }
  // 55006: object in use.
  const inUse = sqlState(error) === "55006";
  const whose = others.length === 0 ? "its sessions" : `sessions of ${others.join(", ")}`;
  return new AppError({
    code: "RESTORE_FAILED",
    object: live,
    fault: inUse
      ? `is in use, and ${whose} could not be ended`
      : `could not be renamed: ${messageOf(error)}`,
    state: `the database is not changed, and open; the restored one is ${restored}`,
    next: "stop the application, then run the same command again; or, while no session is connected, run the statements below in psql",
    details: renames(swap).map(toScript),
    cause: error,
  });
}
