import type { Session } from "./connection.ts";

/** A session that several callers share: its statements run one after the other. */
export type Observer = Pick<Session, "rows" | "execute">;

/** Lets several callers use one session at once, outside a transaction. */
export function observerOn(session: Session): Observer {
  let last: Promise<unknown> = Promise.resolve();
  const queue = <Result>(ask: () => Promise<Result>): Promise<Result> => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
  return {
    rows: (statement, row) => queue(() => session.rows(statement, row)),
    execute: (statement) => queue(() => session.execute(statement)),
  };
}
