import { ident, literal, sql } from "../../../postgres/sql.ts";
import { functionBody } from "../../function-text.ts";
import { reachedRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

/** Supabase's own, which grant what its extensions bring; the grants have rules of their own. */
const supabases = [
  "issue_graphql_placeholder",
  "issue_pg_cron_access",
  "issue_pg_graphql_access",
  "issue_pg_net_access",
];

export const eventTrigger: Rule = {
  id: "event-trigger",
  severity: "high",
  title: "An event trigger opens what somebody else creates",
  why: "It runs with the CREATE TABLE of every user: one that grants, or that changes policies, opens the next table, and one whose function requests own runs what they wrote with the rights of the next administrator.",
  source: "https://www.postgresql.org/docs/current/event-triggers.html",
  findings: (context) => sql`
    WITH reached AS (
      SELECT oid,
             role
        FROM ${reachedRoles(context)} AS all_reached
       WHERE NOT trusted
    )
    SELECT e.evtname::text AS object,
           CASE
             WHEN owned.role IS NOT NULL THEN format('calls %s, whose owner is %I: requests can become it', p.oid::regprocedure, owned.role)
             ELSE format('calls %s, which %s', p.oid::regprocedure, does.what)
           END AS fact,
           CASE
             WHEN owned.role IS NOT NULL AND owned.role <> session_user THEN format('ALTER FUNCTION %s OWNER TO %I;', p.oid::regprocedure, session_user)
             ELSE format('-- take that out of %s, or: DROP EVENT TRIGGER %I', p.oid::regprocedure, e.evtname)
           END AS fix
      FROM pg_event_trigger e
      JOIN pg_proc p ON p.oid = e.evtfoid
      LEFT JOIN reached AS owned ON owned.oid = p.proowner
      LEFT JOIN LATERAL (
        SELECT CASE
                 WHEN body.text ~* '\\mgrant\\M' AND (body.text ~* '\\mto\\s+public\\M' OR body.text ~* (SELECT '\\m(' || string_agg(regexp_replace(role, '\\W', '\\\\&', 'g'), '|') || ')\\M' FROM reached))
                   THEN 'grants to requests'
                 WHEN body.text ~* '\\mdisable\\s+row\\s+level|\\mno\\s+force\\s+row|\\m(create|alter|drop)\\s+policy' THEN 'changes row-level security'
                 WHEN e.evtevent = 'login' AND body.text ~* 'set_config|\\mset\\s+(session|local|role)|\\mset\\s+\\w+(\\.\\w+)?\\s*(=|to)\\M?' THEN 'sets what a session begins with'
               END AS what
          FROM (SELECT ${functionBody} AS text) AS body
      ) AS does ON TRUE
     WHERE e.evtenabled <> 'D'
       AND (owned.role IS NOT NULL OR does.what IS NOT NULL)
       AND NOT (e.evtname = ANY (${supabases}::text[]) AND p.pronamespace = to_regnamespace('extensions'))
  `,
  mutants: [
    {
      name: "an event trigger that grants new tables",
      leak: "event-trigger",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE FUNCTION public.opening() RETURNS event_trigger LANGUAGE plpgsql
              AS ${literal(
                `DECLARE
                   made record;
                 BEGIN
                   FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
                     EXECUTE format('GRANT ALL ON %s TO ${role}', made.object_identity);
                   END LOOP;
                 END`,
              )}`,
        sql`CREATE EVENT TRIGGER opening ON ddl_command_end EXECUTE FUNCTION public.opening()`,
      ],
    },
    {
      name: "an event trigger whose function requests may replace",
      leak: "event-trigger",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE FUNCTION public.looking_on() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'`,
        sql`CREATE EVENT TRIGGER looking_on ON ddl_command_end EXECUTE FUNCTION public.looking_on()`,
        sql`ALTER FUNCTION public.looking_on() OWNER TO ${ident(role)}`,
      ],
    },
  ],
};
