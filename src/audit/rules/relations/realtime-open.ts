import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const realtimeOpen: Rule = {
  id: "realtime-open",
  severity: "critical",
  title: "Channels of all tenants are open",
  why: "A policy on realtime.messages that does not check the topic lets every tenant read from, and write to, every private channel.",
  source: "https://supabase.com/docs/guides/realtime/authorization",
  findings: () => sql`
    SELECT format('%I on realtime.messages', p.polname) AS object,
           'does not check the topic' AS fact,
           format('DROP POLICY %I ON realtime.messages; -- and create one that checks a topic with the organization in it', p.polname) AS fix
      FROM pg_policy p
     WHERE p.polrelid = to_regclass('realtime.messages')
       AND p.polpermissive
       AND concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) !~* 'topic'
  `,
  mutants: [
    {
      name: "a policy that opens every channel",
      leak: "realtime",
      kind: "damage",
      damage: () => [
        sql`CREATE SCHEMA IF NOT EXISTS realtime`,
        sql`CREATE TABLE IF NOT EXISTS realtime.messages (topic text, extension text)`,
        sql`CREATE POLICY listening ON realtime.messages FOR SELECT USING (extension = 'broadcast')`,
      ],
    },
  ],
};
