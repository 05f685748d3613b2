import { openSession, type Session } from "./connection.ts";

/** A session that several share: what one asks waits for what another asked before. */
export type Observer = Pick<Session, "rows" | "execute" | "close">;

/**
 * Opens a session that may be asked by several at once, in no transaction.
 * @throws AppError CONNECTION_FAILED as `openSession`
 */
export async function openObserver(...target: Parameters<typeof openSession>): Promise<Observer> {
  const session = await openSession(...target);
  let last: Promise<unknown> = Promise.resolve();
  const queue = <Result>(ask: () => Promise<Result>): Promise<Result> => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
  return {
    rows: (statement, row) => queue(() => session.rows(statement, row)),
    execute: (statement) => queue(() => session.execute(statement)),
    close: () => session.close(),
  };
}
