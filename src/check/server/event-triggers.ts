import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";

export const eventTriggers: PreflightCheck = {
  id: "event-triggers",
  title: "event triggers on DDL",
  why: "it fires in every step that changes the schema: if it fails, the step fails",
  stops: [],
  async find({ queries }) {
    const triggers = await queries.rows(
      sql`
        SELECT quote_ident(e.evtname) AS name,
               e.evtevent AS event,
               r.rolname::text AS owner,
               format('%I.%I', n.nspname, p.proname) AS function
          FROM pg_event_trigger e
          JOIN pg_roles r ON r.oid = e.evtowner
          JOIN pg_proc p ON p.oid = e.evtfoid
          JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE e.evtenabled <> 'D'
           AND e.evtevent <> 'login'
         ORDER BY e.evtname
      `,
      z.object({ name: z.string(), event: z.string(), owner: z.string(), function: z.string() }),
    );
    return triggers.map((trigger) => ({
      severity: "advisory",
      what: {
        object: trigger.name,
        fact: `calls ${trigger.function}() on ${trigger.event}; owner: ${trigger.owner}`,
      },
      fix: `read the function. If it would refuse a step: ALTER EVENT TRIGGER ${trigger.name} DISABLE`,
    }));
  },
};
