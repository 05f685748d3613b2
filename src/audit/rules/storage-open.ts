import { sql } from "../../postgres/sql.ts";
import type { Rule } from "../rule.ts";

export const storageOpen: Rule = {
  id: "storage-open",
  severity: "critical",
  title: "Files of all tenants are in one open bucket",
  why: "A policy on storage.objects that asks for the bucket alone lets every tenant into every folder of it.",
  source: "https://supabase.com/docs/guides/storage/security/access-control",
  findings: () => sql`
    SELECT format('%I on storage.objects', p.polname) AS object,
           'asks for no organization and no folder' AS fact,
           format('DROP POLICY %I ON storage.objects; -- and ask for (storage.foldername(name))[1] = the organization', p.polname) AS mend
      FROM pg_policy p
     WHERE p.polrelid = to_regclass('storage.objects')
       AND p.polpermissive
       AND concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
           !~* 'foldername|owner|auth\\.uid|caller_organizations'
  `,
  mutants: [
    {
      name: "a policy on the bucket only",
      leak: "storage",
      kind: "damage",
      damage: () => [
        sql`CREATE SCHEMA IF NOT EXISTS storage`,
        sql`CREATE TABLE IF NOT EXISTS storage.objects (bucket_id text, name text)`,
        sql`CREATE POLICY bucket ON storage.objects FOR SELECT USING (bucket_id = 'files')`,
      ],
    },
  ],
};
