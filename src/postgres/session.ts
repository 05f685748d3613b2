import type { z } from "zod";
import type { Sql } from "./sql.ts";

/** What can be read and done in one database session, inside a transaction or outside. */
export type Queries = {
  /** Rows, each read through a zod schema: a catalog with other columns or types is noticed here. */
  rows<Row extends z.ZodType>(statement: Sql, row: Row): Promise<z.output<Row>[]>;
  /** Runs a statement and returns how many rows it affected. */
  execute(statement: Sql): Promise<number>;
  /**
   * Runs COPY … TO STDOUT into the stream, and ends it; returns the number of rows. COPY takes no parameters.
   * If the stream fails, the session is closed: nothing else stops the server's COPY.
   */
  copyOut(statement: Sql, to: NodeJS.WritableStream): Promise<number>;
  /** Runs COPY … FROM STDIN from the stream; returns the number of rows. COPY takes no parameters. */
  copyIn(statement: Sql, from: NodeJS.ReadableStream): Promise<number>;
};

/** `read only snapshot`: REPEATABLE READ READ ONLY, so that all reads see the same moment. */
export type TransactionMode = "read write" | "read only snapshot";

export type Session = Queries & {
  /** The process ID of this session's server process, as the server reports it. */
  readonly backend: number;
  /** Whether the connection goes through a pooler: a pooler gives its clients other process IDs. */
  readonly pooled: boolean;
  /**
   * Runs the work in one transaction: committed when it returns, rolled back when it throws.
   * @param local settings for this transaction; they take no round trip
   */
  transaction<Result>(
    work: (queries: Queries) => Promise<Result>,
    mode?: TransactionMode,
    local?: Readonly<Record<string, string>>,
  ): Promise<Result>;
  /** Settings for the whole session; they are lost behind a pooler in transaction mode. */
  set(name: string, value: string): Promise<void>;
  /**
   * Does work now, and again after each reconnection before anything else: what a session holds is gone
   * with its connection.
   * @returns a function after which it is not done again
   */
  always(work: (queries: Queries) => Promise<void>): Promise<() => void>;
  /**
   * Connects again unless the session still answers: then it has another server process, with the same
   * settings.
   * @throws AppError CONNECTION_FAILED
   */
  reconnect(): Promise<void>;
  /** When the statement was sent whose answer is waited for, by `performance.now()`; not of COPY. */
  readonly waitingSince: number | undefined;
  /** Asks the server to cancel the running statement; this opens no session. */
  cancel(): Promise<void>;
  /** Breaks the connection at once: what waits for an answer fails as if the network had. */
  abandon(): void;
  /** Ends the session, within seconds even if the server does not answer; safe to call twice. */
  close(): Promise<void>;
};
