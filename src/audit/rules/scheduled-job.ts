import { sql } from "../../postgres/sql.ts";
import type { Rule } from "../rule.ts";

export const scheduledJob: Rule = {
  id: "scheduled-job",
  severity: "high",
  title: "A scheduled job runs as its owner",
  why: "pg_cron and webhooks run without a tenant: what they read and send is every tenant's.",
  source: "https://github.com/citusdata/pg_cron",
  findings: () => sql`
    SELECT 'cron.job' AS object,
           'pg_cron is here: its jobs run as their owners, without a tenant' AS fact,
           '-- read cron.job; a job for all tenants must loop over organizations by itself' AS mend
     WHERE to_regclass('cron.job') IS NOT NULL
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
