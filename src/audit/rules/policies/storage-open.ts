import { type Some, type Sql, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

/** The table of storage policies, where Supabase Storage is not installed. */
const objects: Some<Sql> = [
  sql`CREATE SCHEMA IF NOT EXISTS storage`,
  sql`CREATE TABLE IF NOT EXISTS storage.objects (bucket_id text, name text)`,
];

export const storageOpen: Rule = {
  id: "storage-open",
  severity: "critical",
  title: "Files of all tenants are in one open bucket",
  why: "A policy on storage.objects that checks the bucket only lets every tenant into every folder of it.",
  source: "https://supabase.com/docs/guides/storage/security/access-control",
  findings: (context) => sql`
    SELECT format('%I on storage.objects', p.polname) AS object,
           'checks neither the organization nor the folder' AS fact,
           format('DROP POLICY %I ON storage.objects; -- and create one that checks (storage.foldername(name))[1] = the organization', p.polname) AS fix
      FROM pg_policy p
     WHERE p.polrelid = to_regclass('storage.objects')
       AND p.polpermissive
       AND EXISTS (SELECT
                     FROM unnest(p.polroles) AS granted (role)
                    WHERE granted.role = 0
                       OR EXISTS (SELECT
                                    FROM ${apiRoles(context)}
                                   WHERE pg_has_role(api.role, granted.role, 'MEMBER')))
       -- Being signed in says nothing about the organization.
       AND regexp_replace(
             concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
             'auth\\.uid\\(\\)( AS \\w+\\))? IS NOT NULL', '', 'gi'
           ) !~* 'foldername|owner|auth\\.uid|caller_organizations'
  `,
  mutants: [
    {
      name: "a policy on the bucket only",
      leak: "storage",
      kind: "damage",
      damage: () => [
        ...objects,
        sql`CREATE POLICY bucket ON storage.objects FOR SELECT USING (bucket_id = 'files')`,
      ],
    },
    {
      name: "a policy on the bucket, for every signed-in user",
      leak: "storage",
      kind: "damage",
      damage: () => [
        ...objects,
        sql`
          DO $$
          BEGIN
            IF to_regprocedure('auth.uid()') IS NULL THEN
              CREATE SCHEMA IF NOT EXISTS auth;
              CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
            END IF;
          END $$
        `,
        sql`
          CREATE POLICY bucket ON storage.objects
             FOR SELECT
           USING (bucket_id = 'files' AND (SELECT auth.uid()) IS NOT NULL AND auth.uid() IS NOT NULL)
        `,
      ],
    },
  ],
};
