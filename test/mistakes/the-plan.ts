import type { Queries } from "../../src/postgres/connection.ts";

/**
 * The plan's own SQL. Each test says what it had to change in it to let it run as far as it does.
 */

/** Day 1, hour 1: organizations, memberships and their policies. */
export const hour1 = `
-- Organizations table
CREATE TABLE organizations (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  name TEXT NOT NULL,
  slug TEXT UNIQUE NOT NULL,
  created_at TIMESTAMPTZ DEFAULT NOW(),
  updated_at TIMESTAMPTZ DEFAULT NOW(),
  settings JSONB DEFAULT '{}'::jsonb,
  status TEXT DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'trial')),
  trial_ends_at TIMESTAMPTZ,
  subscription_tier TEXT DEFAULT 'basic'
);

-- Organization users (junction table)
CREATE TABLE organization_users (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  organization_id UUID REFERENCES organizations(id) ON DELETE CASCADE,
  user_id UUID REFERENCES auth.users(id) ON DELETE CASCADE,
  role TEXT DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
  created_at TIMESTAMPTZ DEFAULT NOW(),
  UNIQUE(organization_id, user_id)
);

-- Indexes
CREATE INDEX idx_org_users_org_id ON organization_users(organization_id);
CREATE INDEX idx_org_users_user_id ON organization_users(user_id);
CREATE INDEX idx_organizations_slug ON organizations(slug);

-- RLS policies for organizations table
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Users view their organization"
  ON organizations FOR SELECT
  USING (
    id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );

CREATE POLICY "Owners update their organization"
  ON organizations FOR UPDATE
  USING (
    id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid() AND role IN ('owner', 'admin')
    )
  );

-- RLS policies for organization_users
ALTER TABLE organization_users ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Users view their org memberships"
  ON organization_users FOR SELECT
  USING (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );
`;

/** Hour 1 where no extension gives uuid_generate_v4(). */
export const hour1WithCoreUuids = hour1.replaceAll("uuid_generate_v4()", "gen_random_uuid()");

/** That, and the least that ends the recursion: whoever asks sees their own memberships. */
export const hour1WithoutRecursion = `${hour1WithCoreUuids}
ALTER POLICY "Users view their org memberships" ON organization_users
  USING (user_id = auth.uid());
`;

/** Hours 2 and 3: the column. */
export const addColumn = (table: string) =>
  `ALTER TABLE ${table} ADD COLUMN organization_id UUID REFERENCES organizations(id);`;

/** Hours 2 and 3: the index. */
export const createIndex = (table: string) =>
  `CREATE INDEX idx_${table}_org_id ON ${table}(organization_id);`;

/** Hour 4: row-level security and four policies. */
export const enableRowSecurity = (table: string) => `
ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Users view their org's ${table}"
  ON ${table} FOR SELECT
  USING (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );

CREATE POLICY "Users insert ${table} to their org"
  ON ${table} FOR INSERT
  WITH CHECK (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );

CREATE POLICY "Users update their org's ${table}"
  ON ${table} FOR UPDATE
  USING (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );

CREATE POLICY "Users delete their org's ${table}"
  ON ${table} FOR DELETE
  USING (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );
`;

/** The id that the plan writes down in hour 5 and copies from there. */
export const defaultOrganization = "12345678-1234-1234-1234-123456789012";

/** Hour 5: the default organization; the id is given, where the plan reads it off the screen. */
export const createDefaultOrganization = `
INSERT INTO organizations (id, name, slug, status)
VALUES ('${defaultOrganization}', 'Default Organization', 'default-org', 'active')
RETURNING id;
`;

/** Hours 5 and 6: the backfill. */
export const backfill = (table: string) => `
UPDATE ${table} 
SET organization_id = '${defaultOrganization}'
WHERE organization_id IS NULL;
`;

/** Hour 7. */
export const setNotNull = (table: string) =>
  `ALTER TABLE ${table} ALTER COLUMN organization_id SET NOT NULL;`;

/** Day 2, hours 4 to 6: the template for the remaining tables. */
export const enableRowSecurityOnDay2 = (table: string) => `
ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Users view their org's data"
  ON ${table} FOR SELECT
  USING (
    organization_id IN (
      SELECT organization_id FROM organization_users 
      WHERE user_id = auth.uid()
    )
  );
`;

/** The rollback, in the plan's order. */
export const disableRowSecurity = (table: string) =>
  `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;`;
export const dropColumn = (table: string) => `ALTER TABLE ${table} DROP COLUMN organization_id;`;
export const dropOrganizations = `
DROP TABLE organization_users;
DROP TABLE organizations;
`;

/** What the plan never does: every existing user joins the default organization. */
export const joinEverybody = `
INSERT INTO organization_users (organization_id, user_id)
SELECT '${defaultOrganization}', id FROM auth.users;
`;

/** The plan's Day 1 as it would be with its membership mistakes fixed. */
export const day1 = (...tables: readonly string[]): string =>
  [
    hour1WithoutRecursion,
    createDefaultOrganization,
    joinEverybody,
    ...[addColumn, createIndex, enableRowSecurity, backfill, setNotNull].flatMap((step) =>
      tables.map(step),
    ),
  ].join("\n");

/** Runs statements of the plan, all in one go. */
export async function runPlan(queries: Queries, ...statements: readonly string[]): Promise<void> {
  await queries.execute({ parts: [statements.join("\n")], values: [] });
}
