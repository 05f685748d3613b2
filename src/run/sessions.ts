import type { Session } from "../postgres/connection.ts";

/** A pool of sessions: each is lent to one piece of work at a time, in the order of the requests. */
export class Sessions {
  readonly #free: Session[];
  readonly #waiting: ((session: Session) => void)[] = [];

  constructor(sessions: readonly Session[]) {
    this.#free = [...sessions];
  }

  /** Whether a session is free. */
  get idle(): boolean {
    return this.#free.length > 0;
  }

  /** Whether work waits for a session. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Runs work on a session, as soon as one is free. */
  async lend<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const session =
      this.#free.shift() ?? (await new Promise<Session>((lent) => this.#waiting.push(lent)));
    try {
      return await work(session);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(session);
      else next(session);
    }
  }
}
