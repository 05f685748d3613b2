import {
  isConnectionLoss,
  openSession,
  type Queries,
  type Session,
} from "../postgres/connection.ts";

/** One session, opened when it is first needed, and again after it was lost. */
export class ReopeningConnection {
  readonly #url: string;
  readonly #applicationName: string;
  #session: Session | undefined;

  constructor(url: string, applicationName: string) {
    this.#url = url;
    this.#applicationName = applicationName;
  }

  /** Runs the work in one transaction. What was under way when the session is lost is not tried again. */
  async transaction(work: (queries: Queries) => Promise<void>): Promise<void> {
    this.#session ??= await openSession({ url: this.#url }, this.#applicationName);
    try {
      await this.#session.transaction(work);
    } catch (error) {
      if (isConnectionLoss(error)) this.#session = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}
