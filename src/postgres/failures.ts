import pg from "pg";
import type { RelationName } from "./sql.ts";
import { changedMeanwhile, explainSqlState, type SqlState } from "./sql-states.ts";

/** The five-character SQLSTATE of an error that the server sent, or undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const lockStates = new Set(["55P03", "40P01", "40001"]);

/**
 * Whether a retry can help: lock not granted in time (55P03), deadlock (40P01), or a row that another
 * transaction moved to another partition while this one waited for it (40001).
 */
export function isLockConflict(error: unknown): boolean {
  return lockStates.has(sqlState(error) ?? "");
}

/** PostgreSQL's messages of internal errors are not translated. */
const changedMessages =
  /^(cache lookup failed for|could not open relation with OID|could not find tuple for|tuple concurrently (updated|deleted))/;

/**
 * Whether another session changed or dropped an object while it was read. Definitions are printed from the
 * catalog as it is now, and not as the transaction sees it: an object of the one may be missing in the other.
 */
export function isConcurrentChange(error: unknown): boolean {
  return (
    sqlState(error) === "XX000" && error instanceof Error && changedMessages.test(error.message)
  );
}

/** What an error of the server means; undefined for other errors, and where nothing is known about it. */
export function explainRefusal(error: unknown): SqlState | undefined {
  const state = sqlState(error);
  if (state === undefined) return undefined;
  return isConcurrentChange(error) ? changedMeanwhile : explainSqlState(state);
}

/** Whether the connection was lost: the server restarted, the network failed, the backend was terminated. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(08|57P0[1235]|25P0[34])/.test(state);
  return error instanceof ConnectionLost;
}

/**
 * Whether the same statement can succeed later without anybody changing it: a lost connection, a server
 * that starts or has no room (class 53), a statement that somebody cancelled (57014), a lock or a
 * deadlock. A database that was dropped (57P04) does not come back.
 */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return isConnectionLoss(error);
  return isConnectionLoss(error) || isLockConflict(error) || /^(40|53|57(?!P04))/.test(state);
}

/** Thrown instead of the error that the driver gives for a lost connection. */
export class ConnectionLost extends Error {}

/** What the server reports of an error besides its SQLSTATE. */
export type RefusalSource = {
  /** The table whose constraint it was, or undefined. */
  readonly constraintOf: RelationName | undefined;
  /** The column that must not be NULL, or undefined. */
  readonly column: string | undefined;
  /** The constraint's name; a partition's bounds have none. */
  readonly constraint: string | undefined;
  /** Whether a policy refused the row: the SQLSTATE is the same as for a missing privilege. */
  readonly byPolicy: boolean;
  /** Whether it was raised in a function, for example of a trigger. */
  readonly inFunction: boolean;
  /** All else that the client gets: detail, hint, context, and the place in the server's source. */
  readonly told: readonly string[];
};

/** What an error of the server came from. */
export function refusalSource(error: unknown): RefusalSource {
  if (!(error instanceof pg.DatabaseError)) {
    return {
      constraintOf: undefined,
      column: undefined,
      constraint: undefined,
      byPolicy: false,
      inFunction: false,
      told: [],
    };
  }
  const { schema, table, column, constraint, routine, where } = error;
  const { detail, hint, file, line } = error;
  return {
    constraint,
    constraintOf: schema === undefined || table === undefined ? undefined : { schema, name: table },
    column,
    byPolicy: error.code === "42501" && routine === "ExecWithCheckOptions",
    inFunction: where !== undefined,
    told: [detail, hint, where, file, line, routine].filter((one) => one !== undefined),
  };
}
