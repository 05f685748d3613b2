import { sql } from "../../../postgres/sql.ts";
import { fenced, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const scheduledJob: Rule = {
  id: "scheduled-job",
  severity: "high",
  title: "A scheduled job or a webhook runs as its owner",
  why: "pg_cron and webhooks run without a tenant: they read and send every tenant's rows.",
  source: "https://github.com/citusdata/pg_cron",
  findings: (context) => sql`
    SELECT 'cron.job' AS object,
           'pg_cron is installed: its jobs run as their owners, without a tenant' AS fact,
           '-- read cron.job; a job for all tenants must process one organization at a time' AS fix
     WHERE to_regclass('cron.job') IS NOT NULL
     UNION ALL
    SELECT format('%I on %I.%I', g.tgname, t.schema, t.name),
           format('sends written rows to the receiver of %s', p.oid::regprocedure),
           format('DROP TRIGGER %I ON %I.%I; -- or change it to send each organization its own rows only', g.tgname, t.schema, t.name)
      FROM ${relationsNamed(fenced(context))} AS t
      JOIN pg_trigger g ON g.tgrelid = t.oid
      JOIN pg_proc p ON p.oid = g.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE NOT g.tgisinternal
       AND n.nspname IN ('supabase_functions', 'net')
  `,
  mutants: [
    {
      name: "scheduled jobs",
      leak: "owner-jobs",
      kind: "damage",
      damage: () => [
        sql`CREATE SCHEMA cron`,
        sql`CREATE TABLE cron.job (jobid bigint, command text)`,
      ],
    },
  ],
};
