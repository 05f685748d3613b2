import type { Queries } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";

/**
 * Lets the server end this transaction when the client sends nothing for five seconds: a stopped process
 * or a lost machine would otherwise keep its locks.
 */
export async function setIdleTimeout(queries: Queries): Promise<void> {
  await queries.execute(sql`SET LOCAL idle_in_transaction_session_timeout = '5s'`);
}
