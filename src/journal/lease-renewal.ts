import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../errors.ts";
import { isTransient, type Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

export const lifetimeInSeconds = 30;
const renewalInMilliseconds = 5_000;
const answerWithinMilliseconds = 10_000;
const reconnectionInMilliseconds = 1_000;

/** The columns of the lease that say whether its holder lives. */
export const held: Sql = sql`
  backend = pg_backend_pid(),
  backend_start = (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()),
  expires_at = clock_timestamp() + make_interval(secs => ${lifetimeInSeconds})
`;

/**
 * Renews a lease until it is stopped, one renewal at a time. Where the connection is lost or does not
 * answer, it connects again: the lease is still ours as long as nobody has changed its token.
 * @param lose called when another run has the lease, or none of the renewals within the patience was
 *   answered. Only then the holder must stop, because every write compares the token itself
 * @returns stop, which waits for the answer under way
 */
export function renewLease(
  session: Session,
  { token, patience }: { readonly token: number; readonly patience: number },
  lose: (cause?: unknown) => void,
): () => Promise<void> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const renew = async (): Promise<void> => {
    // Monotonic, unlike the time of day, and of before the request: the server counts from later.
    let confirmed = performance.now();
    let pause = renewalInMilliseconds;
    for (;;) {
      await sleep(pause, undefined, { signal });
      const sent = performance.now();
      try {
        if (pause === reconnectionInMilliseconds) await session.reconnect();
        if (!(await renewOnce(session, token))) return lose();
        confirmed = sent;
        pause = renewalInMilliseconds;
      } catch (error) {
        if (signal.aborted) return;
        if (!mayPass(error)) return lose(error);
        if (performance.now() - confirmed > patience) return lose(error);
        pause = reconnectionInMilliseconds;
      }
    }
  };
  const renewing = renew().catch((error: unknown) => {
    if (!signal.aborted) lose(error);
  });
  return () => {
    stopped.abort();
    return renewing;
  };
}

function mayPass(error: unknown): boolean {
  return isTransient(error) || (error instanceof AppError && error.code === "CONNECTION_FAILED");
}

/** @returns whether the lease is still ours */
async function renewOnce(session: Session, token: number): Promise<boolean> {
  // Without it, a network that swallows everything is noticed by the kernel after many minutes.
  const timer = setTimeout(session.abandon, answerWithinMilliseconds);
  try {
    return (
      (await session.execute(sql`UPDATE tenantry.lease SET ${held} WHERE token = ${token}`)) > 0
    );
  } finally {
    clearTimeout(timer);
  }
}
