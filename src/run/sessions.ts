import type { Session } from "../postgres/connection.ts";

/** Sessions that work is lent, first come, first served; as many at once as there are of them. */
export class Sessions {
  readonly #free: Session[];
  readonly #waiting: ((session: Session) => void)[] = [];

  constructor(sessions: readonly Session[]) {
    this.#free = [...sessions];
  }

  /** Whether one is free that nobody waits for. */
  get idle(): boolean {
    return this.#free.length > 0;
  }

  /** Whether somebody waits for one. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

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
