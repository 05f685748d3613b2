import type { Queries } from "../postgres/connection.ts";

export type Verb = "insert" | "update" | "delete";

/** One write of an application, to be made in a transaction of its own. */
export type TimedWrite = {
  /** Its name in the report. */
  readonly table: string;
  readonly verb: Verb;
  /** The role that writes, where it is not the role of the connection. */
  readonly role: string | undefined;
  run(queries: Queries): Promise<void>;
};

/** A write to a row that must exist found none: the row was deleted, or row-level security hides it. */
export class RowNotFound extends Error {}
