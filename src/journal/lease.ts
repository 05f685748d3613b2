import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { isConnectionLoss, type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { incompatible } from "./schema.ts";

const leaseSchema = z.object({
  token: z.coerce.number(),
  holder: z.string(),
  held: z.boolean(),
  expires: z.string(),
});

const lifetimeInSeconds = 30;
const renewalInMilliseconds = 5_000;
/** The server takes a moment to notice that the session of a killed run is lost. */
const retryForMilliseconds = 3_000;
const releaseWithinMilliseconds = 3_000;

/** The right to write, held by one run of Tenantry at a time. */
export type Lease = {
  readonly token: number;
  /** Aborted when the lease could not be renewed: its holder must stop writing. */
  readonly lost: AbortSignal;
  /** Stops renewing the lease and releases it, unless it is lost or released already. */
  release(): Promise<void>;
};

/**
 * Holds the lease while the work runs, and releases it however the work ends: its renewals would keep
 * the process alive.
 * @param session used for nothing but the lease
 * @throws AppError LEASE_HELD when another run that is alive holds it
 */
export async function withLease<Result>(
  session: Session,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  const lease = await takeLease(session);
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}

/**
 * Takes the lease on a session that is used for nothing else and stays open to renew it. The caller
 * must release it, as `withLease` does.
 * @throws AppError LEASE_HELD when another run that is alive holds it
 */
export async function takeLease(session: Session): Promise<Lease> {
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}`;
  const until = Date.now() + retryForMilliseconds;
  for (;;) {
    const result = await tryToTake(session, holder).catch((error: unknown) => {
      if (sqlState(error) !== lockNotAvailable) throw error;
      return readHolder(session);
    });
    if ("taken" in result) return keep(session, result.taken);
    if (Date.now() > until) throw leaseHeld(result);
    await sleep(250);
  }
}

const lockNotAvailable = "55P03";

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
               expires_at > clock_timestamp()
                 AND EXISTS (SELECT FROM pg_stat_activity a
                              WHERE a.pid = lease.backend
                                AND coalesce(a.backend_start = lease.backend_start, TRUE)) AS held
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
             backend = pg_backend_pid(),
             backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
             expires_at = clock_timestamp() + make_interval(secs => ${lifetimeInSeconds})
    `);
    return { taken };
  };
  // A validation under the old token may take hours, also after its run was killed.
  return session.transaction(take, "read write", { lock_timeout: "1s" });
}

/** The holder of the lease, read without a lock. */
async function readHolder(session: Session): Promise<Held> {
  const [held] = await session.rows(
    sql`
      SELECT holder AS "heldBy",
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
    z.object({ heldBy: z.string(), expires: z.string(), writing: z.array(z.number()) }),
  );
  if (held === undefined) throw incompatible("lacks the row of its table lease");
  return held;
}

function keep(session: Session, token: number): Lease {
  const lost = new AbortController();
  let unanswered = 0;
  let ended = false;
  const lose = (cause?: unknown): void => {
    clearInterval(timer);
    if (!ended) lost.abort(leaseLost(cause));
  };
  const renew = async (): Promise<void> => {
    const renewed = await session.execute(sql`
      UPDATE tenantry.lease
         SET expires_at = clock_timestamp() + make_interval(secs => ${lifetimeInSeconds})
       WHERE token = ${token}
    `);
    unanswered = 0;
    if (renewed === 0) lose();
  };
  const timer = setInterval(() => {
    // One renewal at a time. Ticks are counted, not seconds: a paused process has sent no renewals.
    unanswered += 1;
    if (unanswered === 1) renew().catch(lose);
    else if (unanswered * renewalInMilliseconds > lifetimeInSeconds * 1000) {
      lose(new Error(`no answer to its renewal within ${lifetimeInSeconds} s`));
    }
  }, renewalInMilliseconds);
  return {
    token,
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      if (ended || lost.signal.aborted) return;
      ended = true;
      await releaseLease(session, token);
    },
  };
}

/** Releases the lease. Where the connection is lost or does not answer, the lease expires. */
async function releaseLease(session: Session, token: number): Promise<void> {
  const answer = session.execute(sql`
    UPDATE tenantry.lease
       SET expires_at = '-infinity',
           holder = 'nobody'
     WHERE token = ${token}
  `);
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
