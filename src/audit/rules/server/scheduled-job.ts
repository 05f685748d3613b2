import { sql } from "../../../postgres/sql.ts";
import { fenced, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

/**
 * The jobs of this database: their name or number, and the digest of what they run as which role, so that a job that
 * is changed is another finding than the one that was accepted. Texts are in hexadecimal: XML would escape them.
 */
const jobs = `
  SELECT encode(convert_to(coalesce(to_jsonb(j) ->> 'jobname', 'number ' || j.jobid), 'UTF8'), 'hex') AS name,
         substr(md5(concat_ws(' ', to_jsonb(j) ->> 'username', j.command)), 1, 8) AS digest,
         encode(convert_to(coalesce(to_jsonb(j) ->> 'username', 'its owner'), 'UTF8'), 'hex') AS owner,
         j.jobid AS id
    FROM cron.job AS j
   WHERE coalesce(to_jsonb(j) ->> 'database', current_database()) = current_database()
   ORDER BY j.jobid`;

export const scheduledJob: Rule = {
  id: "scheduled-job",
  severity: "high",
  title: "A scheduled job or a webhook runs as its owner",
  why: "pg_cron and webhooks run without a tenant: they read and send every tenant's rows.",
  source: "https://github.com/citusdata/pg_cron",
  findings: (context) => sql`
    SELECT format('the job %s (%s)', job.name, job.digest) AS object,
           format('runs as %I, without a tenant', job.owner) AS fact,
           format('-- read it: SELECT command FROM cron.job WHERE jobid = %s; a job for all tenants must process one organization at a time', job.id) AS fix
      FROM (SELECT convert_from(decode(row[1], 'hex'), 'UTF8') AS name,
                   row[2] AS digest,
                   convert_from(decode(row[3], 'hex'), 'UTF8') AS owner,
                   row[4] AS id
              -- A statement that names cron.job fails where pg_cron is not installed.
              FROM (SELECT CASE WHEN to_regclass('cron.job') IS NOT NULL
                                THEN query_to_xml(${jobs}, TRUE, FALSE, '')::text
                           END AS text) AS listed
             CROSS JOIN LATERAL regexp_matches(listed.text,
                                               '<name>([^<]*)</name>\\s*<digest>([^<]*)</digest>\\s*<owner>([^<]*)</owner>\\s*<id>([^<]*)</id>', 'g') AS row) AS job
     UNION ALL
    SELECT 'cron.job',
           'has row-level security that hides jobs of others from this role: they could not be read',
           '-- run the audit as a superuser, or as the owner of the jobs'
      FROM pg_class c
     WHERE c.oid = to_regclass('cron.job')
       AND row_security_active(c.oid)
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
        sql`CREATE TABLE cron.job (jobid bigint, jobname text, command text, username text)`,
        sql`INSERT INTO cron.job VALUES (1, 'nightly', 'DELETE FROM leads', 'postgres')`,
      ],
    },
  ],
};
