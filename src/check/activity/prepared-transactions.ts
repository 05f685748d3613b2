import { z } from "zod";
import { formatDuration } from "../../number-formats.ts";
import { literal, sql, textOf } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck } from "../check.ts";

export const preparedTransactions: PreflightCheck = {
  id: "prepared-transactions",
  title: "prepared transactions",
  why: "VACUUM cannot remove rows that are newer, and a prepared transaction survives a restart",
  stops: [],
  async find(context) {
    const prepared = await context.queries.rows(
      sql`
        SELECT p.gid,
               p.owner::text AS owner,
               extract(epoch FROM clock_timestamp() - p.prepared) * 1000 AS milliseconds,
               ARRAY(SELECT l.relation::regclass::text
                       FROM pg_locks own
                       -- A prepared transaction has no process: its lock on its own transaction ID finds its other locks.
                       JOIN pg_locks l ON l.virtualtransaction = own.virtualtransaction
                      WHERE own.locktype = 'transactionid'
                        AND own.transactionid = p.transaction
                        AND own.pid IS NULL
                        AND l.pid IS NULL
                        AND l.locktype = 'relation'
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND l.relation = ANY (${namesAhead(context)}::text[]::regclass[])
                      GROUP BY l.relation) AS locked
          FROM pg_prepared_xacts p
         WHERE p.database = current_database()
         ORDER BY p.prepared
      `,
      z.object({
        gid: z.string(),
        owner: z.string(),
        milliseconds: z.coerce.number(),
        locked: z.array(z.string()),
      }),
    );
    return prepared.map(({ gid, owner, milliseconds, locked }) => {
      const what = {
        object: gid,
        fact: `was prepared by ${owner} ${formatDuration(milliseconds)} ago${locked.length === 0 ? "" : ` and holds locks on ${locked.join(", ")}`}`,
      };
      const name = textOf(literal(gid));
      const fix = `ROLLBACK PREPARED ${name}, or COMMIT PREPARED ${name}`;
      return locked.length === 0
        ? { severity: "advisory", what, fix }
        : {
            severity: "blocking",
            what,
            why: "an index build waits for it until it ends, and no conflicting lock on the table is granted",
            fix,
          };
    });
  },
};
