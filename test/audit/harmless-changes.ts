import type { AuditContext, BrokenFence } from "../../src/audit/rule.ts";
import { ident, raw, type Sql, sql } from "../../src/postgres/sql.ts";

/** What somebody does to a fenced database, and that opens nothing. */
export type HarmlessChange = {
  readonly name: string;
  readonly statements: (fence: BrokenFence) => readonly Sql[];
  readonly only?: BrokenFence["identity"];
  /** What the configuration names afterwards. */
  readonly named?: (fence: BrokenFence) => AuditContext;
};

const change = (
  name: string,
  statements: HarmlessChange["statements"],
  rest: Omit<HarmlessChange, "name" | "statements"> = {},
): HarmlessChange => ({ name, statements, ...rest });

const helper = ({ tenancy }: BrokenFence) => ident(tenancy.helpers.callerOrganizations);

const invoker = raw("WITH (security_invoker = on)");

const policies: readonly HarmlessChange[] = [
  change("a policy for a user's own rows", ({ tenancy }) => [
    sql`CREATE POLICY mine ON leads FOR SELECT USING (user_id = ${ident(tenancy.helpers.caller)}())`,
  ]),
  change("a wide permissive policy below the guard, for one role", ({ role }) => [
    sql`CREATE POLICY wide ON leads FOR SELECT TO ${ident(role)} USING (TRUE)`,
  ]),
  change("a second restrictive policy", () => [
    sql`CREATE POLICY locked ON leads AS RESTRICTIVE FOR DELETE USING (phone <> 'locked')`,
  ]),
  change("a policy for administrators", ({ tenancy }) => [
    sql`CREATE POLICY admins ON notes FOR UPDATE
          USING (organization_id = ANY (ARRAY(SELECT ${ident(tenancy.helpers.callerAdministers)}())))`,
  ]),
  change("a policy that calls an IMMUTABLE function of the row", () => [
    sql`CREATE FUNCTION is_open(said text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT said IS DISTINCT FROM 'closed' $$`,
    sql`CREATE POLICY open_only ON calls AS RESTRICTIVE FOR SELECT USING (is_open(said))`,
  ]),
  change("FORCE ROW LEVEL SECURITY", () => [sql`ALTER TABLE leads FORCE ROW LEVEL SECURITY`]),
  change(
    "a storage policy that asks the helper for the folder's organization",
    (fence) => [
      sql`CREATE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE
            AS $$ BEGIN RETURN (string_to_array(name, '/'))[1:1]; END $$`,
      sql`CREATE POLICY folders ON storage.objects FOR SELECT
            USING (bucket_id = 'files' AND (storage.foldername(name))[1] = ANY (ARRAY(SELECT ${helper(fence)}()::text)))`,
    ],
    { only: "supabase" },
  ),
  change(
    "a storage policy that asks an IMMUTABLE function of ours for the organization of a path",
    (fence) => [
      sql`CREATE FUNCTION ${ident({ schema: fence.tenancy.helpers.schema, name: "organization_of" })}(path text) RETURNS uuid LANGUAGE sql IMMUTABLE
            RETURN split_part(path, '/', 1)::uuid`,
      sql`CREATE POLICY of_path ON storage.objects FOR SELECT
            USING (${ident({ schema: fence.tenancy.helpers.schema, name: "organization_of" })}(name) = ANY (ARRAY(SELECT ${helper(fence)}())))`,
    ],
    { only: "supabase" },
  ),
  change(
    "a channel for each organization",
    (fence) => [
      sql`CREATE POLICY channels ON realtime.messages FOR SELECT
            USING (split_part(realtime.topic(), ':', 2) = ANY (ARRAY(SELECT ${helper(fence)}()::text)))`,
    ],
    { only: "supabase" },
  ),
];

const relations: readonly HarmlessChange[] = [
  change("a view that reads as its caller", ({ role }) => [
    sql`CREATE VIEW my_leads ${invoker} AS SELECT id, phone FROM leads`,
    sql`GRANT SELECT, UPDATE ON my_leads TO ${ident(role)}`,
  ]),
  change("a view that reads as its caller over another", ({ role }) => [
    sql`CREATE VIEW my_leads ${invoker} AS SELECT id, phone FROM leads`,
    sql`CREATE VIEW my_phones ${invoker} AS SELECT phone FROM my_leads`,
    sql`GRANT SELECT ON my_leads, my_phones TO ${ident(role)}`,
  ]),
  change("a view as its owner that no request can reach", () => [
    sql`CREATE SCHEMA reporting`,
    sql`CREATE VIEW reporting.totals AS SELECT organization_id, count(*) FROM leads GROUP BY 1`,
  ]),
  change("a view over a shared table", ({ role }) => [
    sql`CREATE VIEW country_names AS SELECT name FROM countries`,
    sql`GRANT SELECT ON country_names TO ${ident(role)}`,
  ]),
  change("a materialized view that is not granted", () => [
    sql`CREATE MATERIALIZED VIEW lead_totals AS SELECT organization_id, count(*) FROM leads GROUP BY 1`,
  ]),
  change("a materialized view of a shared table", ({ role }) => [
    sql`CREATE MATERIALIZED VIEW country_list AS SELECT name FROM countries`,
    sql`GRANT SELECT ON country_list TO ${ident(role)}`,
  ]),
  change("a view with an INSTEAD OF trigger that writes as its caller", ({ role }) => [
    sql`CREATE VIEW my_notes ${invoker} AS SELECT id, body FROM notes`,
    sql`CREATE FUNCTION write_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.notes (body) VALUES (NEW.body); RETURN NEW; END $$`,
    sql`CREATE TRIGGER write_note INSTEAD OF INSERT ON my_notes FOR EACH ROW EXECUTE FUNCTION write_note()`,
    sql`GRANT SELECT, INSERT ON my_notes TO ${ident(role)}`,
  ]),
  change("a view that refuses to be written", ({ role }) => [
    sql`CREATE VIEW fixed_leads ${invoker} AS SELECT id FROM leads`,
    sql`CREATE RULE no_delete AS ON DELETE TO fixed_leads DO INSTEAD NOTHING`,
    sql`GRANT SELECT, DELETE ON fixed_leads TO ${ident(role)}`,
  ]),
  change("a table in a schema on which requests have no USAGE", ({ role }) => [
    sql`CREATE SCHEMA internal`,
    sql`CREATE TABLE internal.queue (id bigint, payload text)`,
    sql`GRANT SELECT ON internal.queue TO ${ident(role)}`,
  ]),
  change("a table for the service role only", () => [
    sql`CREATE ROLE harmless_service BYPASSRLS`,
    sql`CREATE TABLE jobs (id bigint, payload text)`,
    sql`REVOKE ALL ON jobs FROM PUBLIC`,
    sql`GRANT ALL ON jobs TO harmless_service`,
  ]),
  change("a foreign table, a server and a mapping that requests have nothing of", () => [
    sql`CREATE ROLE harmless_loader`,
    sql`CREATE FOREIGN DATA WRAPPER harmless_wrapper`,
    sql`CREATE SERVER harmless_server FOREIGN DATA WRAPPER harmless_wrapper`,
    sql`CREATE USER MAPPING FOR harmless_loader SERVER harmless_server`,
    sql`CREATE FOREIGN TABLE imported (id integer) SERVER harmless_server`,
    sql`GRANT SELECT ON imported TO harmless_loader`,
  ]),
  change("a publication of a shared table", () => [
    sql`CREATE PUBLICATION harmless FOR TABLE countries`,
  ]),
  change("the whole row as replica identity, without a publication", () => [
    sql`ALTER TABLE leads REPLICA IDENTITY FULL`,
  ]),
  change("a large object of the owner", () => [sql`SELECT lo_create(454545)`]),
  change("extended statistics", () => [
    sql`CREATE STATISTICS lead_statistics ON organization_id, phone FROM leads`,
    sql`ANALYZE leads`,
  ]),
  change("USAGE on a sequence", ({ role }) => [
    sql`CREATE SEQUENCE ticket_numbers OWNED BY notes.id`,
    sql`GRANT USAGE ON SEQUENCE ticket_numbers TO ${ident(role)}`,
  ]),
  change(
    "a new table that is fenced with its partitions",
    (fence) => [
      sql`CREATE TABLE visits (
            id bigint,
            organization_id uuid NOT NULL REFERENCES organizations (id),
            PRIMARY KEY (organization_id, id)
          ) PARTITION BY RANGE (id)`,
      sql`CREATE TABLE visits_all PARTITION OF visits DEFAULT`,
      ...["visits", "visits_all"].flatMap((name) => [
        sql`ALTER TABLE ${ident(name)} ENABLE ROW LEVEL SECURITY`,
        sql`CREATE POLICY guard ON ${ident(name)} AS RESTRICTIVE
              USING (organization_id = ANY (ARRAY(SELECT ${helper(fence)}())))
              WITH CHECK (organization_id = ANY (ARRAY(SELECT ${helper(fence)}())))`,
      ]),
      sql`CREATE POLICY members ON visits USING (organization_id = ANY (ARRAY(SELECT ${helper(fence)}())))`,
      sql`GRANT SELECT, INSERT, UPDATE, DELETE ON visits TO ${ident(fence.role)}`,
    ],
    {
      named: (fence) => ({
        ...fence,
        tenantTables: [...fence.tenantTables, { schema: "public", name: "visits" }],
      }),
    },
  ),
  change(
    "a new shared table",
    ({ role }) => [
      sql`CREATE TABLE currencies (code text PRIMARY KEY)`,
      sql`ALTER TABLE currencies ENABLE ROW LEVEL SECURITY`,
      sql`CREATE POLICY all_read ON currencies FOR SELECT USING (TRUE)`,
      sql`GRANT SELECT ON currencies TO ${ident(role)}`,
    ],
    {
      named: (fence) => ({
        ...fence,
        sharedTables: [...fence.sharedTables, { schema: "public", name: "currencies" }],
      }),
    },
  ),
];

const columns: readonly HarmlessChange[] = [
  change("indexes: plain, partial, of an expression", () => [
    sql`CREATE INDEX ON leads (phone)`,
    sql`CREATE INDEX ON leads (phone) WHERE secret IS NOT NULL`,
    sql`CREATE INDEX ON leads (lower(phone))`,
  ]),
  change("a unique index in each organization", () => [
    sql`CREATE UNIQUE INDEX ON leads (organization_id, phone, user_id)`,
  ]),
  change("a unique index in each organization with INCLUDE and an expression", () => [
    sql`CREATE UNIQUE INDEX ON leads (lower(phone), user_id, organization_id) INCLUDE (secret)`,
  ]),
  change("a unique index of one organization's rows", ({ tenancy }) => [
    sql`CREATE UNIQUE INDEX ON leads (phone, id) WHERE organization_id = ${raw(`'${tenancy.defaultOrganizationId}'`)}::uuid`,
  ]),
  change("an EXCLUDE constraint in each organization", () => [
    sql`ALTER TABLE leads ADD EXCLUDE USING btree (organization_id WITH =, id WITH =)`,
  ]),
  change("a foreign key with the organization", () => [
    sql`ALTER TABLE notes ADD COLUMN lead_id bigint`,
    sql`CREATE UNIQUE INDEX harmless_key ON leads (organization_id, id)`,
    sql`ALTER TABLE notes ADD FOREIGN KEY (organization_id, lead_id) REFERENCES leads (organization_id, id)`,
  ]),
  change("a foreign key to a shared table", () => [
    sql`ALTER TABLE leads ADD COLUMN country text REFERENCES countries (code)`,
  ]),
  change("a column with a default, a CHECK and a generated one", () => [
    sql`ALTER TABLE leads ADD COLUMN made timestamptz NOT NULL DEFAULT now()`,
    sql`ALTER TABLE leads ADD CHECK (phone <> '')`,
    sql`ALTER TABLE leads ADD COLUMN length integer GENERATED ALWAYS AS (length(phone)) STORED`,
  ]),
  change("comments, storage parameters and a type", () => [
    sql`COMMENT ON TABLE leads IS 'who may buy'`,
    sql`COMMENT ON COLUMN leads.phone IS 'with its country'`,
    sql`ALTER TABLE leads SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)`,
    sql`CREATE TYPE mood AS ENUM ('good', 'bad')`,
    sql`CREATE DOMAIN phone_number AS text CHECK (VALUE ~ '^[+0-9 ]+$')`,
  ]),
  change("a trigger that writes as its caller", () => [
    sql`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.phone := trim(NEW.phone); RETURN NEW; END $$`,
    sql`CREATE TRIGGER touch BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION touch()`,
  ]),
  change("a trigger of the application that is disabled", () => [
    sql`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`,
    sql`CREATE TRIGGER touch BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION touch()`,
    sql`ALTER TABLE leads DISABLE TRIGGER touch`,
  ]),
  change("SELECT on some columns", ({ role }) => [
    sql`GRANT SELECT (id, phone), UPDATE (phone) ON leads TO ${ident(role)}`,
  ]),
];

const functions: readonly HarmlessChange[] = [
  change("a function that reads as its caller", ({ role }) => [
    sql`CREATE FUNCTION my_count() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM public.leads $$`,
    sql`GRANT EXECUTE ON FUNCTION my_count() TO ${ident(role)}`,
  ]),
  change("a function as its owner that requests may not call", () => [
    sql`CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$ SELECT count(*) FROM public.leads $$`,
    sql`REVOKE EXECUTE ON FUNCTION total() FROM PUBLIC`,
  ]),
  change("a trigger that sets the time of a change, as its owner", () => [
    sql`ALTER TABLE leads ADD COLUMN updated_at timestamptz`,
    sql`CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
          AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$`,
    sql`CREATE TRIGGER set_updated_at BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION set_updated_at()`,
  ]),
  change("a trigger that counts what its row's own organization has, as its owner", () => [
    sql`ALTER TABLE leads ADD COLUMN others bigint`,
    sql`CREATE FUNCTION count_others() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
          AS $$ BEGIN
                  SELECT count(*) INTO NEW.others FROM public.leads WHERE organization_id = NEW.organization_id;
                  RETURN NEW;
                END $$`,
    sql`CREATE TRIGGER count_others BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION count_others()`,
  ]),
  change("an operator and an aggregate that run as their caller", () => [
    sql`CREATE FUNCTION longer(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) > length($2) $$`,
    sql`CREATE OPERATOR public.>>> (LEFTARG = text, RIGHTARG = text, FUNCTION = longer)`,
    sql`CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text)`,
  ]),
  change("a profile of what a new user typed", ({ tenancy }) => [
    sql`ALTER TABLE ${ident(tenancy.users.relation)} ADD COLUMN IF NOT EXISTS raw_user_meta_data jsonb`,
    sql`CREATE SCHEMA private`,
    sql`CREATE TABLE private.profiles (id text, full_name text)`,
    sql`CREATE FUNCTION private.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
          AS $$ BEGIN
                  INSERT INTO private.profiles VALUES (NEW.id::text, NEW.raw_user_meta_data ->> 'full_name');
                  RETURN NEW;
                END $$`,
    sql`CREATE TRIGGER on_user_created AFTER INSERT ON ${ident(tenancy.users.relation)} FOR EACH ROW EXECUTE FUNCTION private.handle_new_user()`,
  ]),
  change(
    // Where requests insert users, they would take any invitation.
    "a membership from an invitation, and a name from what the user typed",
    ({ tenancy }) => [
      sql`ALTER TABLE ${ident(tenancy.users.relation)} ADD COLUMN IF NOT EXISTS raw_user_meta_data jsonb`,
      sql`CREATE SCHEMA private`,
      sql`CREATE TABLE private.invitations (email text, organization_id uuid, name text)`,
      sql`CREATE FUNCTION private.accept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
          AS $$ BEGIN
                  UPDATE private.invitations SET name = NEW.raw_user_meta_data ->> 'name' WHERE email = NEW.email;
                  INSERT INTO public.organization_users (organization_id, user_id)
                  SELECT o.id, NEW.id
                    FROM public.organizations AS o
                    JOIN private.invitations AS i ON i.organization_id = o.id
                   WHERE i.email = NEW.email
                   ORDER BY o.created_at;
                  RETURN NEW;
                END $$`,
      sql`CREATE TRIGGER accept AFTER INSERT ON ${ident(tenancy.users.relation)} FOR EACH ROW EXECUTE FUNCTION private.accept()`,
    ],
    { only: "supabase" },
  ),
  change("an event trigger that tells the API of a new schema", () => [
    sql`CREATE FUNCTION ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY pgrst, 'reload schema'; END $$`,
    sql`CREATE EVENT TRIGGER ddl_watch ON ddl_command_end EXECUTE FUNCTION ddl_watch()`,
  ]),
  change("an event trigger that grants to the service role, and closes new tables", () => [
    sql`CREATE ROLE harmless_service`,
    sql`CREATE FUNCTION close_new() RETURNS event_trigger LANGUAGE plpgsql
          AS $$ DECLARE made record;
                BEGIN
                  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
                    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made.object_identity);
                    EXECUTE format('GRANT SELECT ON %s TO harmless_service', made.object_identity);
                  END LOOP;
                END $$`,
    sql`CREATE EVENT TRIGGER close_new ON ddl_command_end EXECUTE FUNCTION close_new()`,
  ]),
  change("extensions", () => [
    sql`CREATE SCHEMA extensions`,
    sql`
      DO $$
      DECLARE
        wanted text;
      BEGIN
        FOREACH wanted IN ARRAY ARRAY['pgcrypto', 'citext', 'btree_gist', 'pg_trgm', 'uuid-ossp'] LOOP
          IF EXISTS (SELECT FROM pg_available_extensions WHERE name = wanted) THEN
            EXECUTE format('CREATE EXTENSION %I SCHEMA extensions', wanted);
          END IF;
        END LOOP;
      END $$`,
  ]),
];

const inDatabase = (settings: string) =>
  sql`DO $$ BEGIN EXECUTE format(${raw(`'ALTER DATABASE %I SET ${settings}'`)}, current_database()); END $$`;

const roles: readonly HarmlessChange[] = [
  change("a role for reports that requests cannot become", () => [
    sql`CREATE ROLE harmless_reports LOGIN BYPASSRLS`,
    sql`GRANT SELECT ON leads, calls TO harmless_reports`,
  ]),
  change("a login for monitoring", () => [
    sql`CREATE ROLE harmless_monitor LOGIN IN ROLE pg_monitor`,
  ]),
  change("a group whose privileges the role of requests inherits", ({ role }) => [
    sql`CREATE ROLE harmless_readers`,
    sql`GRANT SELECT ON leads, countries TO harmless_readers`,
    sql`GRANT harmless_readers TO ${ident(role)}`,
  ]),
  change("an administrator who may become the role of requests", ({ role }) => [
    sql`CREATE ROLE harmless_administrator LOGIN BYPASSRLS CREATEROLE`,
    sql`GRANT ${ident(role)} TO harmless_administrator`,
  ]),
  change("a grant option for an administrator", () => [
    sql`CREATE ROLE harmless_administrator`,
    sql`GRANT SELECT ON leads TO harmless_administrator WITH GRANT OPTION`,
  ]),
  change("settings of the role of requests and of the login", ({ role, login }) => [
    sql`ALTER ROLE ${ident(role)} SET statement_timeout = '8s'`,
    sql`ALTER ROLE ${ident(role)} SET search_path = "$user", public`,
    sql`ALTER ROLE ${ident(role)} SET session_replication_role = 'origin'`,
    sql`ALTER ROLE ${ident(login)} SET role = ${raw(`'${role}'`)}`,
    sql`ALTER ROLE ${ident(login)} SET lock_timeout = '8s'`,
  ]),
  change("settings of the API", ({ login }) => [
    sql`ALTER ROLE ${ident(login)} SET pgrst.db_schemas = 'public, graphql_public'`,
    sql`ALTER ROLE ${ident(login)} SET pgrst.jwt_role_claim_key = '.role'`,
  ]),
  change("settings of the database", () => [
    inDatabase("timezone = ''UTC''"),
    inDatabase("app.settings.jwt_secret = ''secret''"),
    inDatabase("search_path = public"),
  ]),
  change("settings of another role", () => [
    sql`CREATE ROLE harmless_loader`,
    sql`ALTER ROLE harmless_loader SET session_replication_role = 'replica'`,
    sql`ALTER ROLE harmless_loader SET row_security = off`,
  ]),
  change("default privileges for another role", () => [
    sql`CREATE ROLE harmless_service`,
    sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO harmless_service`,
  ]),
  change("default privileges on functions and sequences", ({ role }) => [
    sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO ${ident(role)}`,
    sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO ${ident(role)}`,
  ]),
];

/** Every one, on both databases except where it says otherwise. */
export const harmlessChanges: readonly HarmlessChange[] = [
  ...policies,
  ...relations,
  ...columns,
  ...functions,
  ...roles,
];
