import type { Mutant } from "../../audit/rule.ts";
import { ident, raw, sql } from "../../postgres/sql.ts";
import { organizationPolicies } from "../../steps/model/organization-policies.ts";

/** Grants, memberships, and objects without rows. */
export const privileges: readonly Mutant[] = [
  {
    name: "users make themselves owner",
    leak: "membership-self-write",
    kind: "damage",
    damage: ({ tenancy, role }) => [
      sql`GRANT UPDATE ON ${ident(tenancy.memberships)} TO ${ident(role)}`,
      sql`CREATE POLICY own_row ON ${ident(tenancy.memberships)} FOR UPDATE
            USING (user_id = ${ident(tenancy.helpers.caller)}())`,
    ],
  },
  {
    name: "users join any organization",
    leak: "membership-self-write",
    kind: "damage",
    damage: ({ tenancy, role }) => [
      sql`GRANT INSERT ON ${ident(tenancy.memberships)} TO ${ident(role)}`,
      sql`DROP POLICY ${ident(organizationPolicies.memberships.guard)} ON ${ident(tenancy.memberships)}`,
      sql`CREATE POLICY joining ON ${ident(tenancy.memberships)} FOR INSERT
            WITH CHECK (user_id = ${ident(tenancy.helpers.caller)}())`,
    ],
  },
  {
    name: "a status that members may write",
    leak: "shared-table",
    kind: "damage",
    damage: ({ tenancy, role }) => [
      sql`GRANT UPDATE ON ${ident(tenancy.organizations)} TO ${ident(role)}`,
      sql`CREATE POLICY anybody ON ${ident(tenancy.organizations)} FOR UPDATE USING (TRUE)`,
    ],
  },
  {
    name: "a sequence that tells how many rows all have",
    leak: "sequence",
    kind: "damage",
    damage: ({ role }) => [sql`GRANT SELECT ON SEQUENCE public.leads_id_seq TO ${ident(role)}`],
  },
  {
    name: "a role of requests in the group that owns the tables",
    leak: "role-bypass",
    kind: "damage",
    damage: ({ role, table }) => [
      sql`CREATE ROLE mutant_owner`,
      sql`ALTER TABLE ${ident(table)} OWNER TO mutant_owner`,
      sql`GRANT mutant_owner TO ${ident(role)}`,
    ],
  },
  {
    name: "a unique phone number, over all tenants",
    leak: "unique",
    kind: "damage",
    damage: ({ table }) => [sql`CREATE UNIQUE INDEX phones ON ${ident(table)} (phone, id)`],
  },
  {
    name: "a large object that a role of requests owns",
    leak: "large-object",
    kind: "damage",
    damage: ({ role }) => [
      sql`SELECT lo_create(434343)`,
      sql`ALTER LARGE OBJECT 434343 OWNER TO ${ident(role)}`,
    ],
  },
  {
    name: "webhooks that send rows",
    leak: "owner-jobs",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE SCHEMA supabase_functions`,
      sql`CREATE FUNCTION supabase_functions.http_request() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
      sql`CREATE TRIGGER sent AFTER INSERT ON ${ident(table)} FOR EACH ROW
            EXECUTE FUNCTION supabase_functions.http_request('https://hooks.example', 'POST')`,
    ],
  },
  {
    name: "realtime of a tenant table",
    leak: "realtime",
    identity: "supabase",
    kind: "damage",
    damage: ({ child }) => [sql`CREATE PUBLICATION supabase_realtime FOR TABLE ${ident(child)}`],
  },
  {
    name: "a bucket of which every file is open",
    leak: "storage",
    identity: "supabase",
    kind: "damage",
    damage: () => [
      sql`CREATE POLICY "Files for all" ON storage.objects FOR SELECT USING (bucket_id = 'files')`,
    ],
  },
  {
    name: "a bucket in which everybody may write",
    leak: "storage",
    identity: "supabase",
    kind: "damage",
    damage: () => [
      sql`CREATE POLICY "Upload for all" ON storage.objects FOR INSERT WITH CHECK (bucket_id = 'files')`,
    ],
  },
  {
    name: "files without row-level security",
    leak: "storage",
    identity: "supabase",
    kind: "damage",
    damage: () => [sql`ALTER TABLE storage.objects ${raw("DISABLE ROW LEVEL SECURITY")}`],
  },
  {
    name: "channels that everybody may listen to",
    leak: "realtime",
    identity: "supabase",
    kind: "damage",
    damage: () => [
      sql`CREATE POLICY "Listen to all" ON realtime.messages FOR SELECT USING (realtime.topic() IS NOT NULL)`,
    ],
  },
  {
    name: "channels that everybody may write into",
    leak: "realtime",
    identity: "supabase",
    kind: "damage",
    damage: () => [
      sql`CREATE POLICY "Send to all" ON realtime.messages FOR INSERT WITH CHECK (TRUE)`,
    ],
  },
  {
    name: "a column default of the first organization, and no organization asked for",
    leak: "constant-default",
    kind: "damage",
    damage: ({ child, tenancy }) => [
      sql`ALTER TABLE ${ident(child)} ALTER COLUMN ${ident(tenancy.column)}
            SET DEFAULT ${raw(`'${tenancy.defaultOrganizationId}'`)}::uuid`,
    ],
  },
];
