import pg from "pg";
import type { RelationName } from "./sql.ts";

/** The five-character SQLSTATE of an error that the server sent, or undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const lockStates = new Set(["55P03", "40P01", "40001"]);

/**
 * Whether trying again can help: lock not granted in time (55P03), deadlock (40P01), or a row that
 * somebody moved to another partition while it was waited for (40001).
 */
export function isLockConflict(error: unknown): boolean {
  return lockStates.has(sqlState(error) ?? "");
}

/** Whether the connection is gone: the server restarted, the network failed, the backend was ended. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith("08") || /^57P0[1235]$/.test(state);
  return error instanceof ConnectionLost;
}

/** What is thrown in place of whatever the driver says of a connection that is gone. */
export class ConnectionLost extends Error {}

/** What the server tells of a refusal besides its SQLSTATE. */
export type RefusalSource = {
  /** The table whose constraint it was, or undefined. */
  readonly constraintOf: RelationName | undefined;
  /** The column that may not be NULL, or undefined. */
  readonly column: string | undefined;
  /** The constraint's name; a partition's bounds have none. */
  readonly constraint: string | undefined;
  /** Whether a policy refused the row: its SQLSTATE is that of a missing privilege too. */
  readonly byPolicy: boolean;
  /** Whether it came out of a function: a trigger's, for one. */
  readonly inFunction: boolean;
};

/** Where a refusal of the server's came from. */
export function refusalSource(error: unknown): RefusalSource {
  if (!(error instanceof pg.DatabaseError)) {
    return {
      constraintOf: undefined,
      column: undefined,
      constraint: undefined,
      byPolicy: false,
      inFunction: false,
    };
  }
  const { schema, table, column, constraint, routine, where } = error;
  return {
    constraint,
    constraintOf: schema === undefined || table === undefined ? undefined : { schema, name: table },
    column,
    byPolicy: error.code === "42501" && routine === "ExecWithCheckOptions",
    inFunction: where !== undefined,
  };
}
