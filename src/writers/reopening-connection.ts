import { isConnectionLoss, type Queries, type Session } from "../postgres/connection.ts";

/** One session, opened when it is first needed, and again after it was lost. */
export class ReopeningConnection {
  readonly #open: () => Promise<Session>;
  #session: Session | undefined;

  /** @param open whoever gives it closes what it opened */
  constructor(open: () => Promise<Session>) {
    this.#open = open;
  }

  /** Runs the work in one transaction. What was under way when the session is lost is not tried again. */
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
