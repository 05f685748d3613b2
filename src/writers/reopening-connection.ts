import { isConnectionLoss, type Queries, type Session } from "../postgres/connection.ts";

/** A session that is opened when it is first used, and opened again after it was lost. */
export class ReopeningConnection {
  readonly #open: () => Promise<Session>;
  #session: Session | undefined;

  /** @param open opens a session, which its owner closes */
  constructor(open: () => Promise<Session>) {
    this.#open = open;
  }

  /** Runs the work in one transaction. It is not retried where the session is lost. */
  async transaction(work: (queries: Queries) => Promise<void>): Promise<void> {
    this.#session ??= await this.#open();
    const session = this.#session;
    try {
      await session.transaction(work);
    } catch (error) {
      if (isConnectionLoss(error)) {
        this.#session = undefined;
        await session.close();
      }
      throw error;
    }
  }
}
