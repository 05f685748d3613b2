import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Queries, Session } from "../postgres/connection.ts";
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
/** A killed run's session takes a moment to be noticed by the server. */
const patienceInMilliseconds = 3_000;

/** The right to write, held by one orchestrator at a time. */
export type Lease = {
  readonly token: number;
  /** Aborted when the lease could not be renewed: whoever holds it must stop writing. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
};

/**
 * Takes the lease on a session of its own, which is kept open to renew it.
 * @throws AppError LEASE_HELD when another run holds it and lives
 */
export async function takeLease(session: Session): Promise<Lease> {
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}`;
  const until = Date.now() + patienceInMilliseconds;
  for (;;) {
    const result = await tryToTake(session, holder);
    if ("taken" in result) return keep(session, result.taken);
    if (Date.now() > until) throw leaseHeld(result.heldBy, result.expires);
    await sleep(250);
  }
}

async function tryToTake(
  session: Session,
  holder: string,
): Promise<{ taken: number } | { heldBy: string; expires: string }> {
  return session.transaction(async (queries) => {
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
    if (lease.held) return { heldBy: lease.holder, expires: lease.expires };
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
  });
}

function keep(session: Session, token: number): Lease {
  const lost = new AbortController();
  const renew = async (): Promise<void> => {
    const renewed = await session.execute(sql`
      UPDATE tenantry.lease
         SET expires_at = clock_timestamp() + make_interval(secs => ${lifetimeInSeconds})
       WHERE token = ${token}
    `);
    if (renewed === 0) lost.abort(leaseLost());
  };
  const timer = setInterval(() => {
    renew().catch((error: unknown) => lost.abort(leaseLost(error)));
  }, renewalInMilliseconds);
  return {
    token,
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await session.execute(sql`
        UPDATE tenantry.lease
           SET expires_at = '-infinity',
               holder = 'nobody'
         WHERE token = ${token}
      `);
    },
  };
}

/**
 * Holds the lease for the length of a transaction. KEY SHARE lets the holder renew meanwhile (no
 * key changes), but makes whoever wants to take the lease over wait for this transaction.
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

function leaseHeld(holder: string, expires: string): AppError {
  return new AppError({
    code: "LEASE_HELD",
    object: "this database",
    fault: `another run holds the lease: ${holder}`,
    state: "nothing was changed",
    next: `wait for it (tenantry status shows where it is); if it is dead, the lease ends by itself at ${expires}`,
  });
}

/** The error of whoever would write under a lease that is another's by now. */
export function leaseLost(cause?: unknown): AppError {
  return new AppError({
    code: "LEASE_LOST",
    object: "this run",
    fault: "its lease could not be renewed, or another run has taken it",
    state: "the step under way was not committed; all before it are",
    next: "tenantry status, then run the same command again",
    ...(cause === undefined ? {} : { cause }),
  });
}
