import { z } from "zod";
import { formatCount } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import { type Found, namesAhead, type PreflightCheck, quoted } from "../check.ts";

const vacuumSchema = z.object({
  name: z.string(),
  pid: z.number().nullable(),
  disabled: z.boolean(),
  age: z.coerce.number(),
  limit: z.coerce.number(),
});

type Vacuum = z.output<typeof vacuumSchema>;

export const vacuum: PreflightCheck = {
  id: "vacuum",
  title: "vacuum: running on a table, disabled for it, or due to prevent wraparound",
  why: "VACUUM and an index build block each other, and an autovacuum to prevent wraparound is not cancelled for a waiting step",
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
               -- A partitioned table itself has no rows.
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
            fact: `is vacuuming a table, and ${user} is not allowed to see which`,
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
      : [
          finding(
            `process ${pid} is vacuuming it`,
            `wait until it ends, or SELECT pg_cancel_backend(${pid})`,
          ),
        ]),
    ...(disabled
      ? [
          finding(
            "autovacuum is disabled",
            `ALTER TABLE ${name} SET (autovacuum_enabled = on); if autovacuum is off for the server, VACUUM (ANALYZE) ${name} after the backfill`,
            "the backfill leaves a dead version of every row, and only VACUUM removes them",
          ),
        ]
      : []),
    ...(age > limit * 0.9
      ? [
          finding(
            `the age of its relfrozenxid is ${formatCount(age)}; at ${formatCount(limit)} an autovacuum to prevent wraparound starts`,
            `VACUUM (FREEZE) ${name}`,
          ),
        ]
      : []),
  ];
}
