import { z } from "zod";
import { formatDuration } from "../../number-formats.ts";
import { sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted } from "../check.ts";

const timeoutSchema = z.object({
  name: z.string(),
  milliseconds: z.coerce.number(),
  user: z.string(),
  setBy: z.array(z.object({ role: z.string().nullable(), database: z.string().nullable() })),
});

type Timeout = z.output<typeof timeoutSchema>;

/** What Tenantry's sessions do not override in every case, since older servers do not have it. */
const notOverridden: Readonly<Record<string, string>> = {
  transaction_timeout:
    "it ends the snapshot of the backup, index builds and validations before they are done",
};

export const timeouts: PreflightCheck = {
  id: "timeouts",
  title: "timeouts that are set for the role or the database",
  why: "Tenantry's sessions and pg_dump override it; statements that you run by hand in psql do not",
  stops: [],
  async find({ queries }) {
    // The value of a new session: this session has changed its own already.
    const set = await queries.rows(
      sql`
        SELECT s.name,
               s.reset_val AS milliseconds,
               session_user::text AS "user",
               (SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'database', d.datname)), '[]')
                  FROM pg_db_role_setting g
                  LEFT JOIN pg_roles r ON r.oid = g.setrole
                  LEFT JOIN pg_database d ON d.oid = g.setdatabase
                 WHERE (g.setrole = 0 OR r.rolname = session_user)
                   AND (g.setdatabase = 0 OR d.datname = current_database())
                   AND EXISTS (SELECT
                                 FROM unnest(g.setconfig) AS setting
                                WHERE split_part(setting, '=', 1) = s.name)) AS "setBy"
          FROM pg_settings s
         WHERE s.name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
                          'idle_session_timeout', 'transaction_timeout')
           AND s.reset_val <> '0'
         ORDER BY s.name
      `,
      timeoutSchema,
    );
    return set.map((timeout) => {
      const what = {
        object: timeout.name,
        fact: `is ${formatDuration(timeout.milliseconds)} for ${timeout.user}`,
      };
      const why = notOverridden[timeout.name];
      return why === undefined
        ? { severity: "advisory", what, fix: fixed(timeout) }
        : { severity: "blocking", what, why, fix: fixed(timeout) };
    });
  },
};

function fixed({ name, user, setBy }: Timeout): string {
  if (setBy.length === 0) return `ALTER ROLE ${quoted(user)} SET ${name} = 0`;
  return setBy
    .map(({ role, database }) => {
      if (role === null && database === null) return `ALTER ROLE ALL RESET ${name}`;
      if (role === null) return `ALTER DATABASE ${quoted(database ?? "")} RESET ${name}`;
      const where = database === null ? "" : ` IN DATABASE ${quoted(database)}`;
      return `ALTER ROLE ${quoted(role)}${where} RESET ${name}`;
    })
    .join("; ");
}
