import type { SmallCompany } from "../../src/mutation/small-company.ts";

/** A change of a fenced database, in a transaction that is rolled back. */
export type Change = {
  readonly name: string;
  /** Statements; `app` and `login` are the roles of the company's requests. */
  readonly does: (names: { readonly app: string; readonly login: string }) => readonly string[];
  /** Of what is shown, the words that tell it; none for what concerns no fence. */
  readonly words: readonly string[];
  readonly only?: SmallCompany["kind"];
  readonly since?: number;
  readonly until?: number;
};

const damage = (
  name: string,
  does: string | readonly string[] | Change["does"],
  words: string | readonly string[],
  where: Pick<Change, "only" | "since" | "until"> = {},
): Change => ({
  name,
  does: typeof does === "function" ? does : () => [does].flat(),
  words: [words].flat(),
  ...where,
});

const guard = `"Only their org's leads"`;
const returnsAll = "AS $$ BEGIN RETURN QUERY SELECT id FROM public.organizations; END $$";
const trigger = "LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN NEW; END $$";

/** Each must be noticed. */
export const damages: readonly Change[] = [
  damage(
    "a helper that answers with all organizations",
    `CREATE OR REPLACE FUNCTION tenancy.caller_organizations() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO '' ${returnsAll}`,
    "function tenancy.caller_organizations(): body",
  ),
  damage(
    "a helper with the caller's rights",
    "ALTER FUNCTION tenancy.caller_organizations() SECURITY INVOKER",
    "function tenancy.caller_organizations(): security DEFINER → INVOKER",
  ),
  damage(
    "a helper of another owner",
    ({ app }) => [
      `GRANT CREATE ON SCHEMA tenancy TO ${app}`,
      `ALTER FUNCTION tenancy.caller() OWNER TO ${app}`,
    ],
    ["function tenancy.caller(): owner postgres → ", "schema tenancy: privileges of "],
  ),
  damage(
    "a helper that is IMMUTABLE",
    "ALTER FUNCTION tenancy.caller() IMMUTABLE",
    "function tenancy.caller(): volatility STABLE → IMMUTABLE",
  ),
  damage(
    "a helper that is PARALLEL SAFE",
    "ALTER FUNCTION tenancy.caller() PARALLEL SAFE",
    "function tenancy.caller(): parallel UNSAFE → SAFE",
  ),
  damage(
    "a helper that is LEAKPROOF",
    "ALTER FUNCTION tenancy.caller_administers() LEAKPROOF",
    "function tenancy.caller_administers(): leakproof off → on",
  ),
  damage(
    "a helper without its search_path",
    "ALTER FUNCTION tenancy.caller_administers() RESET search_path",
    'function tenancy.caller_administers(): settings search_path="" → none',
  ),
  damage(
    "a helper that sets row_security",
    "ALTER FUNCTION tenancy.caller_organizations() SET row_security = off",
    "function tenancy.caller_organizations(): settings",
  ),
  damage(
    "a helper that requests may not execute",
    "REVOKE EXECUTE ON FUNCTION tenancy.caller_organizations() FROM PUBLIC",
    "function tenancy.caller_organizations(): privileges of PUBLIC EXECUTE → none",
  ),
  damage(
    "a second helper of the same name, with an argument",
    "CREATE FUNCTION tenancy.caller(fallback text DEFAULT '') RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    "function tenancy.caller(fallback text): is new",
  ),
  damage(
    "the identity function with a user to fall back to",
    `CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
      SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', current_setting('app.user', true))::uuid $$`,
    "function auth.uid(): body",
    { only: "supabase" },
  ),
  damage(
    "the identity function of another owner",
    [
      "GRANT CREATE ON SCHEMA auth TO service_role",
      "ALTER FUNCTION auth.uid() OWNER TO service_role",
    ],
    "function auth.uid(): owner postgres → service_role",
    { only: "supabase" },
  ),
  damage(
    "the identity function with a setting",
    "ALTER FUNCTION auth.uid() SET search_path = public",
    "function auth.uid(): settings none → search_path=public",
    { only: "supabase" },
  ),
  damage(
    "an operator that the identity function finds instead of PostgreSQL's",
    [
      "CREATE FUNCTION public.first_user(jsonb, jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
      "CREATE OPERATOR public.->> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = public.first_user)",
    ],
    "operator public.->>(jsonb,jsonb): is new",
    { only: "supabase" },
  ),
  damage(
    "a cast of texts to uuid",
    [
      "CREATE FUNCTION public.as_uuid(text) RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
      "CREATE CAST (text AS uuid) WITH FUNCTION public.as_uuid(text) AS ASSIGNMENT",
    ],
    "cast (text AS uuid): is new",
  ),
  damage(
    "a policy that sees everything",
    "CREATE POLICY later ON leads USING (TRUE)",
    "policy public.leads.later: is new",
  ),
  damage(
    "a policy dropped",
    `DROP POLICY ${guard} ON leads`,
    `policy public.leads.${guard}: is missing`,
  ),
  damage(
    "a policy with another condition",
    `ALTER POLICY ${guard} ON leads USING (organization_id IS NOT NULL)`,
    `policy public.leads.${guard}: USING `,
  ),
  damage(
    "a policy for one role only",
    ({ login }) => [`ALTER POLICY ${guard} ON leads TO ${login}`],
    `policy public.leads.${guard}: roles PUBLIC → `,
  ),
  damage(
    "a permissive guard",
    [`DROP POLICY ${guard} ON leads`, `CREATE POLICY ${guard} ON leads USING (TRUE)`],
    [`policy public.leads.${guard}: kind RESTRICTIVE → PERMISSIVE`, "WITH CHECK"],
  ),
  damage(
    "row-level security disabled",
    "ALTER TABLE calls DISABLE ROW LEVEL SECURITY",
    "table public.calls: row security on → off",
  ),
  damage(
    "row-level security of memberships disabled",
    "ALTER TABLE organization_users DISABLE ROW LEVEL SECURITY",
    "table public.organization_users: row security on → off",
  ),
  damage(
    "row-level security forced",
    "ALTER TABLE leads FORCE ROW LEVEL SECURITY",
    "table public.leads: forced row security off → on",
  ),
  damage(
    "a table of the requests' role",
    ({ app }) => [`ALTER TABLE leads OWNER TO ${app}`],
    "table public.leads: owner postgres → ",
  ),
  damage(
    "all triggers disabled, those of foreign keys too",
    "ALTER TABLE leads DISABLE TRIGGER ALL",
    "table public.leads: constraint triggers not in force none → ",
  ),
  damage(
    "all triggers of the memberships disabled",
    "ALTER TABLE organization_users DISABLE TRIGGER ALL",
    "table public.organization_users: constraint triggers not in force none → ",
  ),
  damage(
    "all triggers of the users' table disabled",
    ({ app }) => [
      `ALTER TABLE ${app === "authenticated" ? "auth.users" : "person"} DISABLE TRIGGER ALL`,
    ],
    "join_default_organization: enabled yes → no",
  ),
  damage(
    "a trigger of the users' table that makes memberships",
    ({ app }) => [
      `CREATE FUNCTION public.welcome() RETURNS trigger ${trigger}`,
      `CREATE TRIGGER welcome AFTER INSERT ON ${app === "authenticated" ? "auth.users" : "person"} FOR EACH ROW EXECUTE FUNCTION public.welcome()`,
    ],
    ".welcome: is new",
  ),
  damage(
    "the function of a trigger of the users' table",
    `CREATE OR REPLACE FUNCTION tenancy.join_default_organization() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
     AS $$ BEGIN INSERT INTO public.organization_users (organization_id, user_id) SELECT id, NEW.id FROM public.organizations ORDER BY name LIMIT 1; RETURN NULL; END $$`,
    "function tenancy.join_default_organization(): body",
  ),
  damage(
    "a trigger on a fenced table",
    [
      `CREATE FUNCTION public.copied() RETURNS trigger ${trigger}`,
      "CREATE TRIGGER copied BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION public.copied()",
    ],
    "trigger public.leads.copied: is new",
  ),
  damage(
    "a rule on a fenced table",
    "CREATE RULE copies AS ON DELETE TO notes DO ALSO UPDATE leads SET secret = NULL",
    "rule public.notes.copies: is new",
  ),
  damage(
    "the organization's default is one organization",
    "ALTER TABLE notes ALTER COLUMN organization_id SET DEFAULT '00000000-0000-4000-8000-000000000001'",
    "column public.notes.organization_id: default ",
  ),
  damage(
    "the organization may be null",
    "ALTER TABLE leads ALTER COLUMN organization_id DROP NOT NULL",
    "column public.leads.organization_id: not null on → off",
  ),
  damage(
    "memberships are owners by default",
    "ALTER TABLE organization_users ALTER COLUMN role SET DEFAULT 'owner'",
    "column public.organization_users.role: default 'member'",
  ),
  damage(
    "a foreign key of the organization dropped",
    "ALTER TABLE notes DROP CONSTRAINT notes_organization_id_fkey",
    "constraint public.notes.notes_organization_id_fkey: is missing",
  ),
  damage(
    "a foreign key that is not validated",
    [
      "ALTER TABLE notes DROP CONSTRAINT notes_organization_id_fkey",
      "ALTER TABLE notes ADD CONSTRAINT notes_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) NOT VALID",
    ],
    "constraint public.notes.notes_organization_id_fkey: validated yes → no",
  ),
  damage(
    "a foreign key that is not enforced",
    "ALTER TABLE notes ALTER CONSTRAINT notes_organization_id_fkey NOT ENFORCED",
    "constraint public.notes.notes_organization_id_fkey: enforced yes → no",
    { since: 18 },
  ),
  damage("TRUNCATE granted", ({ app }) => [`GRANT TRUNCATE ON leads TO ${app}`], [
    "table public.leads: privileges of ",
    "none → TRUNCATE",
  ]),
  damage(
    "requests may write memberships",
    ({ app }) => [`GRANT INSERT ON organization_users TO ${app}`],
    "table public.organization_users: privileges of ",
  ),
  damage(
    "requests may write a column of memberships",
    ({ app }) => [`GRANT UPDATE (role) ON organization_users TO ${app}`],
    "on column role none → UPDATE",
  ),
  damage(
    "requests may write a shared table",
    ({ app }) => [`GRANT UPDATE ON countries TO ${app}`],
    "table public.countries: privileges of ",
    { only: "plain" },
  ),
  damage(
    "a policy with which requests may write a shared table",
    "CREATE POLICY editors ON countries FOR UPDATE USING (TRUE)",
    "policy public.countries.editors: is new",
  ),
  damage(
    "the requests' role with BYPASSRLS",
    ({ app }) => [`ALTER ROLE ${app} BYPASSRLS`],
    ": BYPASSRLS no → yes",
  ),
  damage(
    "the requests' role may log in",
    ({ app }) => [`ALTER ROLE ${app} LOGIN`],
    ": LOGIN no → yes",
  ),
  damage(
    "the login is a superuser",
    ({ login }) => [`ALTER ROLE ${login} SUPERUSER`],
    ": SUPERUSER no → yes",
  ),
  damage(
    "the login may replicate, and create roles",
    ({ login }) => [`ALTER ROLE ${login} REPLICATION CREATEROLE`],
    [": REPLICATION no → yes", ": CREATEROLE no → yes"],
  ),
  damage(
    "the login inherits",
    ({ login }) => [`ALTER ROLE ${login} INHERIT`],
    "INHERIT no, SET yes, ADMIN no → INHERIT yes, SET yes, ADMIN no",
    { until: 15 },
  ),
  damage(
    "the login inherits from one role",
    ({ app, login }) => [`GRANT ${app} TO ${login} WITH INHERIT TRUE`],
    "INHERIT no, SET yes, ADMIN no → INHERIT yes, SET yes, ADMIN no",
    { since: 16 },
  ),
  damage(
    "the requests' role is a member of another",
    ({ app }) => ["CREATE ROLE drift_reader BYPASSRLS", `GRANT drift_reader TO ${app}`],
    "membership in drift_reader none → INHERIT yes, SET yes, ADMIN no",
  ),
  damage(
    "the login is a member of a predefined role",
    ({ login }) => [`GRANT pg_read_all_data TO ${login}`],
    "membership in pg_read_all_data none → ",
  ),
  damage(
    "the login administers the requests' role",
    ({ app, login }) => [`GRANT ${app} TO ${login} WITH ADMIN OPTION`],
    "ADMIN no → ",
  ),
  damage(
    "a setting of the login that says who one is",
    ({ login }) => [`ALTER ROLE ${login} SET app.user_id = '1'`],
    ": app.user_id none → 1",
  ),
  damage(
    "a setting of the requests' role with claims",
    ({ app }) => [`ALTER ROLE ${app} SET request.jwt.claims = '{"sub": "x"}'`],
    `: request.jwt.claims none → {"sub": "x"}`,
  ),
  damage(
    "a setting of the login with which no trigger fires",
    ({ login }) => [`ALTER ROLE ${login} SET session_replication_role = replica`],
    ": session_replication_role none → replica",
  ),
  damage(
    "a search_path in which others come first",
    ({ login }) => [`ALTER ROLE ${login} SET search_path = public, pg_catalog`],
    ": search_path none → public, pg_catalog",
  ),
  damage(
    "a role with which each session begins",
    ({ login }) => [`ALTER ROLE ${login} SET role = 'postgres'`],
    ": role none → postgres",
  ),
  damage(
    "a library that each session loads",
    ({ login }) => [`ALTER ROLE ${login} SET session_preload_libraries = 'auto_explain'`],
    ": session_preload_libraries none → auto_explain",
  ),
  damage(
    "an event trigger",
    [
      "CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
      "CREATE EVENT TRIGGER drift_grants ON ddl_command_end EXECUTE FUNCTION public.on_ddl()",
    ],
    "event trigger drift_grants: is new",
  ),
  damage(
    "a schema of the helpers in which all may create",
    "GRANT CREATE ON SCHEMA tenancy TO PUBLIC",
    "schema tenancy: privileges of PUBLIC none → CREATE",
  ),
  damage(
    "a schema of the helpers in which a new role may create",
    ["CREATE ROLE drift_migrator", "GRANT CREATE ON SCHEMA tenancy TO drift_migrator"],
    "schema tenancy: privileges of drift_migrator none → CREATE",
  ),
  damage(
    "a schema of the helpers of another owner",
    ({ app }) => [`ALTER SCHEMA tenancy OWNER TO ${app}`],
    "schema tenancy: owner postgres → ",
  ),
  damage(
    "a publication with a fenced table",
    "CREATE PUBLICATION drift_realtime FOR TABLE leads",
    "table public.leads: published by drift_realtime none → insert, update, delete, truncate",
  ),
  damage(
    "a fenced table that is a view now",
    ["ALTER TABLE notes RENAME TO notes_of_all", "CREATE VIEW notes AS TABLE notes_of_all"],
    "table public.notes: kind table → view",
  ),
];

/** None may be taken for a fault of the fence. */
export const harmless: readonly Change[] = (
  [
    ["a comment on a fenced table", "COMMENT ON TABLE leads IS 'all leads'"],
    ["a comment on a helper", "COMMENT ON FUNCTION tenancy.caller() IS 'who asks'"],
    ["a comment on a policy", `COMMENT ON POLICY ${guard} ON leads IS 'the fence'`],
    ["statistics", "CREATE STATISTICS lead_facts ON phone, secret FROM leads"],
    ["a statistics target", "ALTER TABLE leads ALTER COLUMN phone SET STATISTICS 500"],
    ["statistics that are collected", "ANALYZE leads"],
    ["an index on a fenced table", "CREATE INDEX ON leads (phone)"],
    ["the organization's index dropped", "DROP INDEX idx_notes_org_id"],
    [
      "a table",
      "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL CHECK (total > 0))",
    ],
    [
      "a table that references a fenced one",
      "CREATE TABLE tags (lead_id bigint REFERENCES leads (id) ON DELETE CASCADE)",
    ],
    [
      "a table of new users' settings",
      "CREATE TABLE preferences (id uuid PRIMARY KEY, dark boolean)",
    ],
    ["a view", "CREATE VIEW totals AS SELECT count(*) FROM countries"],
    [
      "a function",
      "CREATE FUNCTION public.add(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT a + b'",
    ],
    ["a schema", "CREATE SCHEMA reporting"],
    ["a column of a fenced table", "ALTER TABLE leads ADD COLUMN city text NOT NULL DEFAULT ''"],
    ["a column of the organizations", "ALTER TABLE organizations ADD COLUMN billing_email text"],
    ["a column dropped", "ALTER TABLE notes DROP COLUMN body"],
    ["a default of another column", "ALTER TABLE notes ALTER COLUMN body SET DEFAULT 'empty'"],
    ["a check of another column", "ALTER TABLE leads ADD CHECK (phone <> '')"],
    ["a type and a domain", "CREATE TYPE mood AS ENUM ('good', 'bad')"],
    ["a sequence", "CREATE SEQUENCE tickets"],
    ["rows", "INSERT INTO countries VALUES ('IT', 'Italy')"],
    [
      "a storage parameter",
      "ALTER TABLE leads SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)",
    ],
    ["a tablespace of sorts: a cluster index", "ALTER TABLE leads CLUSTER ON leads_pkey"],
    [
      "a role that reports",
      ["CREATE ROLE drift_reports LOGIN", "GRANT SELECT ON leads, countries TO drift_reports"],
    ],
    [
      "a trigger of a fenced table with the writer's own rights",
      [
        `CREATE FUNCTION public.trimmed() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN NEW.phone := btrim(NEW.phone); RETURN NEW; END $$`,
        "CREATE TRIGGER trimmed BEFORE INSERT OR UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION public.trimmed()",
      ],
    ],
    [
      "a trigger of another table",
      [
        `CREATE FUNCTION public.touched() RETURNS trigger ${trigger}`,
        "CREATE TABLE drafts (id integer)",
        "CREATE TRIGGER touched BEFORE INSERT ON drafts FOR EACH ROW EXECUTE FUNCTION public.touched()",
      ],
    ],
    [
      "a publication of another table",
      [
        "CREATE TABLE published (id integer PRIMARY KEY)",
        "CREATE PUBLICATION drift_others FOR TABLE published",
      ],
    ],
    [
      "a policy of another table",
      [
        "CREATE TABLE secrets (id integer)",
        "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY all_of_it ON secrets USING (TRUE)",
      ],
    ],
    ["an extension", "CREATE EXTENSION pg_trgm"],
    [
      "a foreign key of a new column",
      "ALTER TABLE notes ADD COLUMN country text REFERENCES countries (code)",
    ],
    [
      "an operator that the fence does not use",
      [
        "CREATE FUNCTION public.near(point, point) RETURNS boolean LANGUAGE sql AS 'SELECT TRUE'",
        "CREATE OPERATOR public.<~~> (LEFTARG = point, RIGHTARG = point, FUNCTION = public.near)",
      ],
    ],
    [
      "default privileges",
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor",
    ],
  ] as const
)
  .map(([name, does]) => damage(name, does, []))
  .concat([
    damage("a password", ({ login }) => [`ALTER ROLE ${login} PASSWORD 'another'`], []),
    damage("a connection limit", ({ login }) => [`ALTER ROLE ${login} CONNECTION LIMIT 50`], []),
    damage(
      "work_mem, timeouts and logging of a role",
      ({ app, login }) => [
        `ALTER ROLE ${login} SET work_mem = '64MB'`,
        `ALTER ROLE ${app} SET statement_timeout = '30s'`,
        `ALTER ROLE ${login} SET log_statement = 'all'`,
        `ALTER ROLE ${login} SET idle_in_transaction_session_timeout = '1min'`,
        `ALTER ROLE ${login} SET random_page_cost = 1.1`,
      ],
      [],
    ),
    damage(
      "a setting of a role that is not the requests'",
      ["CREATE ROLE drift_job LOGIN", "ALTER ROLE drift_job SET search_path = reporting"],
      [],
    ),
    damage(
      "what Supabase changes in its own schemas",
      [
        "CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$",
        "ALTER TABLE auth.users ADD COLUMN phone text",
        "CREATE TABLE auth.sessions (id uuid PRIMARY KEY, user_id uuid REFERENCES auth.users (id) ON DELETE CASCADE)",
        "CREATE INDEX ON auth.users (created_at)",
        "ALTER TABLE storage.objects ADD COLUMN version text",
        "CREATE TABLE realtime.schema_migrations (version bigint)",
      ],
      [],
      { only: "supabase" },
    ),
    damage(
      "the same definitions once more",
      [
        `ALTER POLICY ${guard} ON leads USING (organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())))`,
        "ALTER FUNCTION tenancy.caller() STABLE",
        "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
      ],
      [],
    ),
  ]);
