import type { Queries, Session } from "./connection.ts";
import { sql } from "./sql.ts";

/**
 * A session whose transactions are savepoints of one that is open already: what opens transactions
 * of its own can be tried on a state that is rolled back afterwards. Closing it closes nothing.
 */
export function nestedSession(session: Session, queries: Queries): Session {
  return {
    ...queries,
    backend: session.backend,
    pooled: session.pooled,
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
