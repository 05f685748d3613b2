import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { formatCount } from "../../units.ts";
import { type Check, type Found, namesAhead, quoted } from "../check.ts";

const vacuumSchema = z.object({
  name: z.string(),
  pid: z.number().nullable(),
  disabled: z.boolean(),
  age: z.coerce.number(),
  limit: z.coerce.number(),
});

type Vacuum = z.output<typeof vacuumSchema>;

export const vacuum: Check = {
  id: "vacuum",
  title: "vacuum: under way on a table, switched off for it, or due against wraparound",
  why: "a VACUUM and an index build wait for each other, and one against wraparound gives way to nobody",
  stops: [],
  async find(context) {
    const tables = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               (SELECT v.pid
                  FROM pg_stat_progress_vacuum v
                 WHERE v.relid = c.oid
                   AND v.datname = current_database()
                 LIMIT 1) AS pid,
               coalesce((SELECT NOT option_value::boolean
                           FROM pg_options_to_table(c.reloptions)
                          WHERE option_name = 'autovacuum_enabled'), FALSE)
                 OR NOT current_setting('autovacuum')::boolean AS disabled,
               -- A partitioned table has no rows of its own that could grow old.
               CASE c.relkind WHEN 'p' THEN 0 ELSE age(c.relfrozenxid) END AS age,
               current_setting('autovacuum_freeze_max_age') AS limit
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
         ORDER BY n.nspname, c.relname
      `,
      vacuumSchema,
    );
    const hidden = await context.queries.rows(
      sql`
        SELECT pid
          FROM pg_stat_progress_vacuum
         WHERE datname = current_database()
           AND relid IS NULL
      `,
      z.object({ pid: z.number() }),
    );
    const { user } = context.snapshot.server;
    return [
      ...hidden.map(
        ({ pid }): Found => ({
          severity: "advisory",
          what: {
            object: `process ${pid}`,
            fact: `vacuums a table, and ${user} may not see which`,
          },
          fix: `GRANT pg_read_all_stats TO ${quoted(user)}`,
        }),
      ),
      ...tables.flatMap(vacuumFindings),
    ];
  },
};

function vacuumFindings({ name, pid, disabled, age, limit }: Vacuum): Found[] {
  const finding = (fact: string, fix: string, why?: string): Found => ({
    severity: "advisory",
    what: { object: name, fact },
    fix,
    ...(why === undefined ? {} : { why }),
  });
  return [
    ...(pid === null
      ? []
      : [finding(`process ${pid} vacuums it`, `let it end, or SELECT pg_cancel_backend(${pid})`)]),
    ...(disabled
      ? [
          finding(
            "no autovacuum comes to it",
            `ALTER TABLE ${name} SET (autovacuum_enabled = on); with autovacuum off for the server, VACUUM (ANALYZE) ${name} after the backfill`,
            "the backfill leaves a dead version of every row, and nothing takes it away",
          ),
        ]
      : []),
    ...(age > limit * 0.9
      ? [
          finding(
            `its oldest row is ${formatCount(age)} transactions old, and at ${formatCount(limit)} a VACUUM against wraparound begins`,
            `VACUUM (FREEZE) ${name}`,
          ),
        ]
      : []),
  ];
}
