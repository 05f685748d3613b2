import type { Queries } from "../postgres/connection.ts";
import { literal, sql } from "../postgres/sql.ts";

/**
 * How long a transaction that holds locks may wait for its client: writers wait behind them. A client that
 * was only slow does it again on a new connection.
 */
export const idleTimeout = "800ms";

/**
 * Lets the server end this transaction when the client sends nothing for so long: a stopped process or a
 * lost machine would otherwise keep its locks.
 */
export async function setIdleTimeout(queries: Queries): Promise<void> {
  await queries.execute(
    sql`SET LOCAL idle_in_transaction_session_timeout = ${literal(idleTimeout)}`,
  );
}
