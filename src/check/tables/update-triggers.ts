import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type Check, namesAhead, quoted } from "../check.ts";

export const updateTriggers: Check = {
  id: "update-triggers",
  title: "triggers that the backfill fires",
  why: "what they do for an UPDATE of the application's (updated_at, audits, webhooks) they do for every row",
  stops: [],
  async find(context) {
    const { queries, snapshot } = context;
    const silent = snapshot.triggersMayBeSilenced;
    const triggers = await queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               quote_ident(t.tgname) AS trigger,
               t.tgenabled <> 'O' AS despite
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           AND NOT t.tgisinternal
           -- Partitions repeat their parent's.
           AND t.tgparentid = 0
           AND t.tgname <> '~attribute_organization'
           -- TRIGGER_TYPE_UPDATE
           AND t.tgtype & 16 <> 0
           -- Under session_replication_role = replica: ENABLE ALWAYS and ENABLE REPLICA fire.
           AND t.tgenabled = ANY (CASE WHEN ${silent} THEN '{A,R}'::"char"[] ELSE '{O,A}'::"char"[] END)
         ORDER BY n.nspname, c.relname, t.tgname
      `,
      z.object({ name: z.string(), trigger: z.string(), despite: z.boolean() }),
    );
    return triggers.map(({ name, trigger, despite }) => ({
      severity: "advisory",
      what: {
        object: name,
        fact: despite
          ? `its trigger ${trigger} fires even where triggers are silenced`
          : `its trigger ${trigger} fires: ${snapshot.server.user} may not set session_replication_role`,
      },
      fix: despite
        ? `ALTER TABLE ${name} ENABLE TRIGGER ${trigger} makes it an ordinary one`
        : // Before 15 the setting cannot be granted.
          snapshot.server.version >= 150_000
          ? `GRANT SET ON PARAMETER session_replication_role TO ${quoted(snapshot.server.user)}`
          : "connect as a superuser, or let the trigger's function do nothing meanwhile",
    }));
  },
};
