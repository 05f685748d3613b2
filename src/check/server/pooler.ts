import { z } from "zod";
import type { Target } from "../../postgres/connection.ts";
import { withSessions } from "../../postgres/sessions.ts";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";

export const pooler: PreflightCheck = {
  id: "pooler",
  title: "a pooler in transaction mode between Tenantry and the server",
  why: "each transaction may run in another server session: session settings, the lease and index builds are lost",
  stops: ["run", "rollback"],
  find: async ({ pooled, target }) =>
    pooled && (await changesSessions(target))
      ? [
          {
            severity: "blocking",
            what: {
              object: "the connection",
              fact: "goes through a pooler in transaction mode",
            },
            fix: "connect to the server itself (on Supabase: port 5432 instead of 6543)",
          },
        ]
      : [],
};

/** Tried: while one session is in a transaction, the pooler gives another session another server process. */
function changesSessions(target: Target): Promise<boolean> {
  const pid = sql`SELECT pg_backend_pid() AS pid`;
  const row = z.object({ pid: z.number() });
  return withSessions(async (open) => {
    const one = await open(target);
    const other = await open(target);
    const [before] = await other.rows(pid, row);
    const [after] = await one.transaction(async (queries) => {
      await queries.rows(pid, row);
      return other.rows(pid, row);
    });
    return before?.pid !== after?.pid || before?.pid !== other.backend;
  });
}
