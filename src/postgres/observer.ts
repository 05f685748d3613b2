import type { Session } from "./connection.ts";

/** A session that several callers share: its statements run one after the other. */
export type Observer = Pick<Session, "rows" | "execute" | "reconnect">;

/** A query of the catalog takes milliseconds: without an answer for so long, the connection is lost. */
const answerWithinMilliseconds = 20_000;

/** Lets several callers use one session at once, outside a transaction. */
export function observerOn(session: Session): Observer {
  let last: Promise<unknown> = Promise.resolve();
  const queue = <Result>(ask: () => Promise<Result>): Promise<Result> => {
    const answer = last.then(
      () => answered(ask),
      () => answered(ask),
    );
    last = answer;
    return answer;
  };
  const answered = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
    const timer = setTimeout(session.abandon, answerWithinMilliseconds);
    try {
      return await ask();
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    rows: (statement, row) => queue(() => session.rows(statement, row)),
    execute: (statement) => queue(() => session.execute(statement)),
    reconnect: () => {
      // It has its own deadline, and connects anew in it.
      const answer = last.then(session.reconnect, session.reconnect);
      last = answer;
      return answer;
    },
  };
}
