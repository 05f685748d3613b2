import { findRelation } from "../../src/catalog/snapshot.ts";
import type { Fault } from "../../src/config/settings.ts";
import { ident, list, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { exists, relationWhere } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";

/** The plan's two tables. Only their owner sees rows until their policies are created. */
export function createOrganizations(context: StageContext): TransactionStep {
  const { organizations, memberships, users } = context.tenancy;
  return {
    id: "day1/organizations",
    title: "create the organizations and their memberships",
    table: organizations,
    mode: "transaction",
    // The foreign key to the users locks them against writers for the length of this transaction.
    lock: { level: "SHARE ROW EXCLUSIVE", on: [users.relation] },
    up: [
      sql`CREATE TABLE ${ident(organizations)} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  slug text UNIQUE NOT NULL,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  settings jsonb DEFAULT '{}'::jsonb,
  status text DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'trial')),
  trial_ends_at timestamptz,
  subscription_tier text DEFAULT 'basic'
)`,
      sql`CREATE TABLE ${ident(memberships)} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES ${ident(organizations)} (id) ON DELETE CASCADE,
  user_id ${raw(users.idType)} NOT NULL REFERENCES ${ident(users.relation)} (${ident(users.id)}) ON DELETE CASCADE,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
  created_at timestamptz DEFAULT now(),
  UNIQUE (organization_id, user_id)
)`,
      // The plan's other two indexes would duplicate UNIQUE (organization_id, user_id) and UNIQUE (slug).
      sql`CREATE INDEX idx_org_users_user_id
  ON ${ident(memberships)} (user_id)`,
      sql`ALTER TABLE ${ident(organizations)}
  ENABLE ROW LEVEL SECURITY`,
      sql`ALTER TABLE ${ident(memberships)}
  ENABLE ROW LEVEL SECURITY`,
      ...grants(context),
    ],
    down: {
      kind: "lossy",
      loses: "the organizations and who belongs to them",
      sql: [
        sql`DROP TABLE IF EXISTS ${ident(memberships)}`,
        sql`DROP TABLE IF EXISTS ${ident(organizations)}`,
      ],
    },
    verify: [
      exists(
        "organizations are under row-level security",
        relationWhere(organizations, sql`c.relrowsecurity`),
      ),
      exists(
        "memberships are under row-level security",
        relationWhere(memberships, sql`c.relrowsecurity`),
      ),
    ],
  };
}

/**
 * Default privileges, such as Supabase's, may have granted everything, also TRUNCATE, which row-level
 * security does not restrict. Owners may update their organization, but not its status or tier.
 */
function grants({ tenancy, settings }: StageContext): Sql[] {
  const { anonymous, signedIn } = settings.roles;
  const { organizations, memberships } = tenancy;
  const both = list([ident(organizations), ident(memberships)]);
  const others = anonymous === null ? [] : [ident(anonymous)];
  return [
    sql`REVOKE ALL ON ${both}
  FROM ${list([sql`PUBLIC`, ...others, ident(signedIn)])}`,
    sql`GRANT SELECT ON ${both}
  TO ${ident(signedIn)}`,
    sql`GRANT UPDATE (name, settings, updated_at) ON ${ident(organizations)}
  TO ${ident(signedIn)}`,
  ];
}

/** Day 1 creates these two tables and this schema: their names must be free. */
export function existingNames({ settings, snapshot }: StageContext): readonly Fault[] {
  const { organizations, memberships, helpers } = settings.names;
  const tables = [
    { path: "names.organizations", relation: organizations },
    { path: "names.memberships", relation: memberships },
  ]
    .filter(({ relation }) => findRelation(snapshot, relation) !== undefined)
    .map(({ path, relation }) => ({
      path,
      fault: `${relation.schema}.${relation.name} exists already`,
      fix: "configure another name, or rename that table",
    }));
  if (!snapshot.server.schemas.includes(helpers)) return tables;
  const schema = {
    path: "names.helpers",
    fault: `the schema ${helpers} exists already`,
    fix: "configure another schema for the helper functions, or rename that one; drop it if an earlier attempt left it",
  };
  return [...tables, schema];
}
