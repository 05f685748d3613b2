import { openSession, type Session, type Target } from "./connection.ts";

/** Opens a session that is closed when the work that it was lent to ends. */
export type OpenSession = typeof openSession;

/**
 * Lends the work a function that opens sessions, and closes all of them when the work ends, however it
 * ends: where the second of them is refused, the first is closed. The work may close them earlier.
 */
export async function withSessions<Result>(
  work: (open: OpenSession) => Promise<Result>,
): Promise<Result> {
  const opened = new Set<Promise<Session>>();
  const open: OpenSession = (...request) => {
    const opening = openSession(...request);
    opened.add(opening);
    // Whoever asked is told; of one that is refused there is nothing to close.
    opening.catch(() => opened.delete(opening));
    return opening;
  };
  try {
    return await work(open);
  } finally {
    // One may be on its way still, where another was refused meanwhile.
    const settled = await Promise.allSettled(opened);
    await Promise.all(
      settled.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)),
    );
  }
}

/** Lends the work one session, and closes it when the work ends, however it ends. */
export function withSession<Result>(
  target: Target,
  applicationName: string,
  settings: Readonly<Record<string, string>>,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  return withSessions(async (open) => work(await open(target, applicationName, settings)));
}
