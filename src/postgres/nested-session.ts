import type { Queries, Session } from "./connection.ts";
import { sql } from "./sql.ts";

/**
 * A session whose transactions are savepoints of a transaction that is already open: code that opens
 * transactions can run on a state that is rolled back afterwards. Closing it does nothing.
 */
export function nestedSession(session: Session, queries: Queries): Session {
  return {
    ...queries,
    backend: session.backend,
    pooled: session.pooled,
    always: session.always,
    reconnect: session.reconnect,
    abandon: session.abandon,
    waitingSince: undefined,
    async transaction(work) {
      await queries.execute(sql`SAVEPOINT nested`);
      try {
        const result = await work(queries);
        await queries.execute(sql`RELEASE SAVEPOINT nested`);
        return result;
      } catch (error) {
        await queries.execute(sql`ROLLBACK TO SAVEPOINT nested`);
        throw error;
      }
    },
    async set(name, value) {
      await queries.execute(sql`SELECT set_config(${name}, ${value}, TRUE)`);
    },
    cancel: session.cancel,
    close: async () => undefined,
  };
}
