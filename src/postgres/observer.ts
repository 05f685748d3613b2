import type { Session } from "./connection.ts";

/** A session that several share: what one asks waits for what another asked before. */
export type Observer = Pick<Session, "rows" | "execute">;

/** Lets several ask one session at once, in no transaction. */
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
