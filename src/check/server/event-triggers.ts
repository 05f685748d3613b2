import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import type { Check } from "../check.ts";

export const eventTriggers: Check = {
  id: "event-triggers",
  title: "event triggers on DDL",
  why: "it runs within every step that changes the schema: what it does or refuses, the step does",
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
        fact: `calls ${trigger.function}() at ${trigger.event}, and belongs to ${trigger.owner}`,
      },
      fix: `look at the function; where it is in the way: ALTER EVENT TRIGGER ${trigger.name} DISABLE`,
    }));
  },
};
