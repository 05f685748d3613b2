import { openSession, type Session, type Target } from "./connection.ts";

/** Opens a session that is closed when the work of `withSessions` ends. */
export type OpenSession = typeof openSession;

/**
 * Gives the work a function that opens sessions, and closes all of them when the work returns or throws:
 * if the second session is refused, the first is closed. The work may close them earlier.
 */
export async function withSessions<Result>(
  work: (open: OpenSession) => Promise<Result>,
): Promise<Result> {
  const opened = new Set<Promise<Session>>();
  const open: OpenSession = (...request) => {
    const opening = openSession(...request);
    opened.add(opening);
    // The caller gets the error; a session that was refused need not be closed.
    opening.catch(() => opened.delete(opening));
    return opening;
  };
  try {
    return await work(open);
  } finally {
    // One can still be opening when another was refused.
    const settled = await Promise.allSettled(opened);
    await Promise.all(
      settled.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)),
    );
  }
}

/** Gives the work one session, and closes it when the work returns or throws. */
export function withSession<Result>(
  target: Target,
  applicationName: string,
  settings: Readonly<Record<string, string>>,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  return withSessions(async (open) => work(await open(target, applicationName, settings)));
}
