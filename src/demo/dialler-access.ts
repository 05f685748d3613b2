import { ident, type Sql, sql } from "../postgres/sql.ts";

/** Roles belong to the whole cluster: another demo on the same server may create them at the same time. */
function roleUnlessThere(name: string, attributes: Sql): Sql {
  return sql`
    DO $$
    BEGIN
      CREATE ROLE ${ident(name)} ${attributes};
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
    END
    $$
  `;
}

/** Supabase's roles: the three that requests run as, and the login role of its API. */
export const diallerRoles: readonly Sql[] = [
  roleUnlessThere("anon", sql`NOLOGIN`),
  roleUnlessThere("authenticated", sql`NOLOGIN`),
  roleUnlessThere("service_role", sql`NOLOGIN BYPASSRLS`),
  roleUnlessThere("authenticator", sql`NOINHERIT LOGIN`),
  sql`
    DO $$
    BEGIN
      IF NOT pg_has_role('authenticator', 'service_role', 'MEMBER') THEN
        GRANT anon, authenticated, service_role TO authenticator;
      END IF;
    EXCEPTION
      WHEN unique_violation THEN NULL;
    END
    $$
  `,
];

/** The part of Supabase's schema `auth` that the application and its policies use. */
export const diallerIdentity: readonly Sql[] = [
  sql`CREATE SCHEMA auth`,
  sql`
    CREATE TABLE auth.users (
      id uuid PRIMARY KEY,
      email text UNIQUE,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE FUNCTION auth.uid()
    RETURNS uuid
    LANGUAGE sql
    STABLE
    AS $$
      SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
      )::uuid
    $$
  `,
  sql`
    GRANT USAGE ON SCHEMA auth
    TO anon, authenticated, service_role
  `,
];

/** Supabase grants all privileges to the API's roles, and relies on row-level security. */
export const diallerGrants: readonly Sql[] = [
  sql`
    GRANT USAGE ON SCHEMA public
    TO anon, authenticated, service_role
  `,
  sql`
    GRANT ALL ON ALL TABLES IN SCHEMA public
    TO anon, authenticated, service_role
  `,
  sql`
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT ALL ON TABLES
    TO anon, authenticated, service_role
  `,
  sql`
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT ALL ON SEQUENCES
    TO anon, authenticated, service_role
  `,
  sql`
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT ALL ON FUNCTIONS
    TO anon, authenticated, service_role
  `,
];

/** Policies as an old single-tenant application has them: too permissive, incomplete, or not in force. */
export const diallerPolicies: readonly Sql[] = [
  sql`ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY`,
  sql`
    CREATE POLICY "Enable all access" ON public.campaigns
    FOR ALL
    USING (true)
  `,
  sql`ALTER TABLE public.scripts ENABLE ROW LEVEL SECURITY`,
  sql`
    CREATE POLICY "Signed in users read scripts" ON public.scripts
    FOR SELECT
    USING (auth.uid() IS NOT NULL)
  `,
  sql`
    CREATE POLICY "Owners insert scripts" ON public.scripts
    FOR INSERT
    WITH CHECK (auth.uid() = user_id)
  `,
  sql`
    CREATE POLICY "Owners update scripts" ON public.scripts
    FOR UPDATE
    USING (auth.uid() = user_id)
  `,
  sql`
    CREATE POLICY "Owners delete scripts" ON public.scripts
    FOR DELETE
    USING (auth.uid() = user_id)
  `,
  // Not in force: row-level security is not enabled on this table.
  sql`
    CREATE POLICY "Users manage their contact lists" ON public.contact_lists
    FOR ALL
    TO authenticated
    USING (auth.uid() = user_id)
  `,
];
