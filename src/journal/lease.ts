import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { isConnectionLoss, type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { held, lifetimeInSeconds, renewLease } from "./lease-renewal.ts";
import { dumpName, endOlderSessions, markSession } from "./lease-sessions.ts";
import { incompatible } from "./schema.ts";

const leaseSchema = z.object({
  token: z.coerce.number(),
  holder: z.string(),
  held: z.boolean(),
  expires: z.string(),
});

/** The server takes a moment to notice that the session of a killed run is lost. */
const retryForMilliseconds = 3_000;
const releaseWithinMilliseconds = 3_000;

/** The right to write, held by one run of Tenantry at a time. */
export type Lease = {
  readonly token: number;
  /** What the sessions of a pg_dump under this lease are called: a run that takes it over ends them too. */
  readonly dumpName: string;
  /** Aborted when the lease could not be renewed: its holder must stop writing. */
  readonly lost: AbortSignal;
  /**
   * Marks a session that is to write: a run that takes the lease over ends it first.
   * @throws AppError LEASE_LOST
   */
  admit(session: Session): Promise<void>;
  /** Stops renewing the lease and releases it, unless it is lost or released already. */
  release(): Promise<void>;
};

/**
 * Holds the lease while the work runs, and releases it however the work ends: its renewals would keep
 * the process alive.
 * @param session used for nothing but the lease
 * @param patience for how many milliseconds it tries to renew the lease before it is lost
 * @throws AppError LEASE_HELD when another run that is alive holds it
 */
export async function withLease<Result>(
  session: Session,
  work: (lease: Lease) => Promise<Result>,
  patience?: number,
): Promise<Result> {
  const lease = await takeLease(session, patience);
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}

/**
 * Takes the lease on a session that is used for nothing else and stays open to renew it. The caller
 * must release it, as `withLease` does. Sessions of earlier holders are ended, except for one that
 * builds an index: that can be used.
 * @throws AppError LEASE_HELD when another run that is alive holds it
 */
export async function takeLease(session: Session, patience = 0): Promise<Lease> {
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}`;
  const until = Date.now() + retryForMilliseconds;
  for (;;) {
    const result = await tryToTake(session, holder).catch(async (error: unknown) => {
      if (sqlState(error) !== lockNotAvailable) throw error;
      const found = await readHolder(session);
      // What a run still does on the server that holds the lease no more is rolled back in any case.
      if (!found.held) await endOlderSessions(session, found.token + 1, "keep builds");
      return found;
    });
    if ("taken" in result) {
      const token = result.taken;
      try {
        refuseUnlessEnded(await endOlderSessions(session, token, "keep builds"));
        return await keep(session, token, patience);
      } catch (error) {
        await answered(releaseLease(session, token));
        throw error;
      }
    }
    if (Date.now() > until) throw leaseHeld(result);
    await sleep(250);
  }
}

const lockNotAvailable = "55P03";

/** Whether the holder of the lease renews it and is connected. */
const isHeld = sql`
  expires_at > clock_timestamp()
  AND EXISTS (SELECT
                FROM pg_stat_activity a
               WHERE a.pid = lease.backend
                 AND coalesce(a.backend_start = lease.backend_start, TRUE))
`;

type Held = {
  readonly heldBy: string;
  readonly expires: string;
  /** Server processes with a transaction that still writes under the old token. */
  readonly writing: readonly number[];
};

async function tryToTake(session: Session, holder: string): Promise<{ taken: number } | Held> {
  const take = async (queries: Queries): Promise<{ taken: number } | Held> => {
    // FOR UPDATE waits for a transaction that writes under the old token (see `holdLease`).
    const [lease] = await queries.rows(
      sql`
        SELECT token,
               holder,
               expires_at::text AS expires,
               ${isHeld} AS held
          FROM tenantry.lease
           FOR UPDATE
      `,
      leaseSchema,
    );
    if (lease === undefined) throw incompatible("lacks the row of its table lease");
    if (lease.held) return { heldBy: lease.holder, expires: lease.expires, writing: [] };
    const taken = lease.token + 1;
    await queries.execute(sql`
      UPDATE tenantry.lease
         SET token = ${taken},
             holder = ${holder},
             ${held}
    `);
    return { taken };
  };
  // A validation under the old token may take hours, also after its run was killed.
  return session.transaction(take, "read write", { lock_timeout: "1s" });
}

/** The holder of the lease, read without a lock. */
async function readHolder(session: Session): Promise<Held & { token: number; held: boolean }> {
  const [found] = await session.rows(
    sql`
      SELECT token,
             ${isHeld} AS held,
             holder AS "heldBy",
             expires_at::text AS expires,
             ARRAY(
               SELECT l.pid
                 FROM pg_locks l
                WHERE l.relation = 'tenantry.lease'::regclass
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND l.mode = 'RowShareLock'
                  AND l.granted
                  AND l.pid <> pg_backend_pid()
                ORDER BY l.pid
             ) AS writing
        FROM tenantry.lease
    `,
    z.object({
      token: z.coerce.number(),
      held: z.boolean(),
      heldBy: z.string(),
      expires: z.string(),
      writing: z.array(z.number()),
    }),
  );
  if (found === undefined) throw incompatible("lacks the row of its table lease");
  return found;
}

async function keep(session: Session, token: number, patience: number): Promise<Lease> {
  const lost = new AbortController();
  let ended = false;
  const unmark: (() => Promise<void>)[] = [];
  const admit = async (one: Session): Promise<void> => {
    unmark.push(await markSession(one, token, (queries) => holdLease(queries, token)));
  };
  await admit(session);
  const renewal = { token, patience: Math.max(patience, lifetimeInSeconds * 1000) };
  const stop = renewLease(session, renewal, (cause) => {
    if (!ended) lost.abort(leaseLost(cause));
  });
  return {
    token,
    dumpName: dumpName(token),
    lost: lost.signal,
    admit,
    async release() {
      if (ended) return;
      ended = true;
      const ending = async (): Promise<void> => {
        await stop();
        // Sessions that are closed or lost by now have no mark.
        await Promise.allSettled(unmark.map((remove) => remove()));
        if (!lost.signal.aborted) await releaseOnAnyConnection(session, token);
      };
      await answered(ending());
    },
  };
}

/** Releases the lease. */
async function releaseLease(session: Session, token: number): Promise<void> {
  await session.execute(sql`
    UPDATE tenantry.lease
       SET expires_at = '-infinity',
           holder = 'nobody'
     WHERE token = ${token}
  `);
}

/** Releases the lease, also where its connection was lost since the last renewal. */
async function releaseOnAnyConnection(session: Session, token: number): Promise<void> {
  try {
    await releaseLease(session, token);
  } catch (error) {
    if (!isConnectionLoss(error)) throw error;
    await session.reconnect();
    await releaseLease(session, token);
  }
}

/** Waits for an answer, but not for long: where the connection is lost or does not answer, a lease expires. */
async function answered(answer: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([
      answer,
      sleep(releaseWithinMilliseconds, undefined, { signal: waiting.signal }),
    ]);
  } catch (error) {
    if (!isConnectionLoss(error)) throw error;
  } finally {
    waiting.abort();
  }
}

/**
 * Holds the lease until the end of a transaction. KEY SHARE lets the holder renew it meanwhile, because
 * no key changes, but a run that takes the lease over must wait for this transaction.
 * @throws AppError LEASE_LOST when another run took it
 */
export async function holdLease(queries: Queries, token: number): Promise<void> {
  const held = await queries.rows(
    sql`
      SELECT token
        FROM tenantry.lease
       WHERE token = ${token}
         FOR KEY SHARE
    `,
    z.object({ token: z.coerce.number() }),
  );
  if (held.length === 0) throw leaseLost();
}

function leaseHeld({ heldBy, expires, writing }: Held): AppError {
  return new AppError({
    code: "LEASE_HELD",
    object: "this database",
    fault: `another run holds the lease: ${heldBy}`,
    state: "nothing was changed",
    next: `wait for it: tenantry status shows its progress. If that run is dead, the lease expires at ${expires}`,
    details: writing.map(
      (process) =>
        `its server process ${process} still runs a statement. If that run is dead: SELECT pg_terminate_backend(${process})`,
    ),
  });
}

/**
 * @param processes the server processes of sessions of earlier holders that could not be ended
 * @throws AppError LEASE_HELD where there are any
 */
export function refuseUnlessEnded(processes: readonly number[]): void {
  if (processes.length === 0) return;
  throw new AppError({
    code: "LEASE_HELD",
    object: "this database",
    fault: "sessions of an earlier run are still connected and could not be ended",
    state: "nothing was changed",
    next: "end them as a role that may, then run the same command again",
    details: processes.map((process) => `SELECT pg_terminate_backend(${process})`),
  });
}

/** The error of a write under a lease that another run has taken. */
export function leaseLost(cause?: unknown): AppError {
  return new AppError({
    code: "LEASE_LOST",
    object: "this run",
    fault: "its lease could not be renewed, or another run has taken it",
    state: "the running transaction was not committed; what was committed before stays",
    next: "tenantry status; then run the same command again",
    ...(cause === undefined ? {} : { cause }),
  });
}
