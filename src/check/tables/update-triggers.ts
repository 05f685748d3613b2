import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck, quoted } from "../check.ts";

export const updateTriggers: PreflightCheck = {
  id: "update-triggers",
  title: "triggers that the backfill fires",
  why: "they fire for every row, as for an UPDATE of the application (updated_at, audit logs, webhooks)",
  stops: [],
  async find(context) {
    const { queries, snapshot } = context;
    const disabled = snapshot.triggersMayBeSilenced;
    const triggers = await queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               quote_ident(t.tgname) AS trigger,
               t.tgenabled <> 'O' AS always
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           AND NOT t.tgisinternal
           -- Partitions repeat their parent's.
           AND t.tgparentid = 0
           AND t.tgname NOT IN ('~attribute_organization', '~attribute_organization_of_request')
           -- TRIGGER_TYPE_UPDATE
           AND t.tgtype & 16 <> 0
           -- Under session_replication_role = replica: ENABLE ALWAYS and ENABLE REPLICA fire.
           AND t.tgenabled = ANY (CASE WHEN ${disabled} THEN '{A,R}'::"char"[] ELSE '{O,A}'::"char"[] END)
         ORDER BY n.nspname, c.relname, t.tgname
      `,
      z.object({ name: z.string(), trigger: z.string(), always: z.boolean() }),
    );
    return triggers.map(({ name, trigger, always }) => ({
      severity: "advisory",
      what: {
        object: name,
        fact: always
          ? `its trigger ${trigger} fires even under session_replication_role = replica`
          : `its trigger ${trigger} fires: ${snapshot.server.user} is not allowed to set session_replication_role`,
      },
      fix: always
        ? `ALTER TABLE ${name} ENABLE TRIGGER ${trigger} makes it an ordinary trigger`
        : // Before 15 the setting cannot be granted.
          snapshot.server.version >= 150_000
          ? `GRANT SET ON PARAMETER session_replication_role TO ${quoted(snapshot.server.user)}`
          : "connect as a superuser, or make the trigger function return at once while the stage runs",
    }));
  },
};
