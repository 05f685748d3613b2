import { ident, sql } from "../src/postgres/sql.ts";
import { organizationId } from "../src/steps/model/naming.ts";
import type { Guard, StageContext } from "../src/steps/model/stage.ts";

/**
 * Organizations that were created after Day 1 are new customers. Undoing a stage would show their rows to
 * other organizations, or put their new rows into the default organization.
 */
export function noNewOrganization({ settings, tenancy }: StageContext, because: string): Guard {
  const known = [settings.defaultOrganization, ...settings.organizations];
  const rows = sql`
    SELECT o.id,
           o.slug,
           o.name,
           count(*) AS members,
           format('organization %s (%s) has %s members', o.slug, o.name, count(*)) AS violation
      FROM ${ident(tenancy.organizations)} o
      JOIN ${ident(tenancy.memberships)} m ON m.organization_id = o.id
     WHERE o.id <> ALL (${known.map(({ slug }) => organizationId(slug))}::uuid[])
     GROUP BY o.id, o.slug, o.name
     ORDER BY o.slug
  `;
  return {
    claim: "no organization with members was created since Day 1",
    because,
    violations: sql`SELECT violation FROM (${rows}) AS lost`,
    lost: { of: "customers", rows },
  };
}
