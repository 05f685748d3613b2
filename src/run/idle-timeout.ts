import type { Queries } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";

/**
 * Lets the server end a transaction of ours that we do not go on with: a process that is stopped, or
 * a machine that is gone without a word, would otherwise keep its locks for as long as it lasts.
 */
export async function setIdleTimeout(queries: Queries): Promise<void> {
  await queries.execute(sql`SET LOCAL idle_in_transaction_session_timeout = '5s'`);
}
