import { z } from "zod";
import { literal, sql } from "../../postgres/sql.ts";
import { formatDuration } from "../../units.ts";
import { type Check, namesAhead } from "../check.ts";

export const preparedTransactions: Check = {
  id: "prepared-transactions",
  title: "prepared transactions that nobody has ended",
  why: "it keeps VACUUM from all that is newer, and survives every restart",
  stops: [],
  async find(context) {
    const prepared = await context.queries.rows(
      sql`
        SELECT p.gid,
               p.owner::text AS owner,
               extract(epoch FROM clock_timestamp() - p.prepared) * 1000 AS milliseconds,
               ARRAY(SELECT l.relation::regclass::text
                       FROM pg_locks own
                       -- A prepared transaction has no process: its lock on itself tells its others.
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
        fact: `was prepared by ${owner} ${formatDuration(milliseconds)} ago${locked.length === 0 ? "" : `, and holds locks on ${locked.join(", ")}`}`,
      };
      const name = literal(gid).parts.join("");
      const fix = `ROLLBACK PREPARED ${name}, or COMMIT PREPARED ${name}`;
      return locked.length === 0
        ? { severity: "advisory", what, fix }
        : {
            severity: "blocking",
            what,
            why: "an index build waits for it without end, and no lock on the table is granted",
            fix,
          };
    });
  },
};
