import { findRelation } from "../src/catalog/snapshot.ts";
import { relationKey } from "../src/config/relation-name.ts";
import {
  configuredName,
  type Fault,
  type ProfileTable,
  requestRoles,
} from "../src/config/settings.ts";
import { functionBody, ident, raw, type Sql, sql } from "../src/postgres/sql.ts";
import { none } from "../src/steps/model/checks.ts";
import type { RunName, StageContext } from "../src/steps/model/stage.ts";
import type { Step, TransactionStep } from "../src/steps/model/step.ts";
import { bypassingGrants } from "../src/steps/privileges/grants.ts";
import {
  profileGuards,
  profileHelpers,
  profilePermissions,
} from "../src/steps/profile/policies.ts";
import { fenceProfile } from "../src/steps/profile/profile-table.ts";
import { searchPath } from "./day1/helpers.ts";

/** The steps of tables with a row for each user; the functions that they call come first, once. */
export function profilesOf(
  context: StageContext,
  profiles: readonly ProfileTable[],
  stage: RunName,
): Step[] {
  const { settings, snapshot, tenancy } = context;
  const steps = profiles.flatMap(({ relation, user }) => {
    const existing = findRelation(snapshot, relation);
    if (existing === undefined) return [];
    const label = configuredName(relation, settings);
    const bypassing = bypassingGrants(existing, requestRoles(settings));
    return [fenceProfile({ relation, user, label, existing, tenancy, bypassing }, stage)];
  });
  if (steps.length === 0) return [];
  const { colleagues } = profileHelpers(tenancy);
  const there = snapshot.functions.some((one) => relationKey(one) === relationKey(colleagues));
  return there ? steps : [createProfileHelpers(context, stage), ...steps];
}

function createProfileHelpers({ tenancy }: StageContext, stage: RunName): TransactionStep {
  const { helpers, memberships } = tenancy;
  const { colleagues, self } = profileHelpers(tenancy);
  const caller = sql`${ident(helpers.caller)}()`;
  const own = sql`SELECT ${caller}
     WHERE ${caller} IS NOT NULL`;
  const create = (name: typeof self, query: Sql) => sql`CREATE FUNCTION ${ident(name)}()
  RETURNS SETOF ${raw(tenancy.users.idType)}
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  ${searchPath(tenancy)}
AS ${functionBody(sql`
BEGIN
  RETURN QUERY
    ${query};
END`)}`;
  return {
    id: `${stage}/profile-helpers`,
    title: "create the functions that know a user's colleagues",
    mode: "transaction",
    lock: { level: "none" },
    up: [
      create(self, own),
      create(
        colleagues,
        sql`${own}
     UNION ALL
    SELECT membership.user_id
      FROM ${ident(memberships)} AS membership
     WHERE membership.organization_id = ANY (ARRAY(SELECT ${ident(helpers.callerOrganizations)}()))`,
      ),
      sql`GRANT EXECUTE ON FUNCTION
  ${ident(self)}(),
  ${ident(colleagues)}()
  TO PUBLIC`,
    ],
    down: {
      kind: "exact",
      sql: [
        sql`DROP FUNCTION IF EXISTS ${ident(colleagues)}()`,
        sql`DROP FUNCTION IF EXISTS ${ident(self)}()`,
      ],
    },
    verify: [
      none(
        "the functions that know a user's colleagues run as a role that bypasses row-level security",
        sql`
          SELECT format('%s is not a STABLE SECURITY DEFINER function of a role that reads all memberships', wanted.name) AS violation
            FROM unnest(${[colleagues.name, self.name]}::text[]) AS wanted (name)
           WHERE NOT EXISTS (SELECT
                               FROM pg_proc p
                               JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = ${helpers.schema}
                               JOIN pg_roles r ON r.oid = p.proowner
                               JOIN pg_class c ON c.relname = ${memberships.name}
                               JOIN pg_namespace cn ON cn.oid = c.relnamespace AND cn.nspname = ${memberships.schema}
                              WHERE p.proname = wanted.name
                                AND p.pronargs = 0
                                AND p.prosecdef
                                AND p.provolatile = 's'
                                AND (r.rolsuper OR r.rolbypassrls OR (p.proowner = c.relowner AND NOT c.relforcerowsecurity)))
        `,
      ),
    ],
  };
}

/** Why tables of the configuration's `profiles` cannot be fenced. */
export function profileFaults(context: StageContext): readonly Fault[] {
  const { settings, snapshot, tenancy } = context;
  return settings.profiles.flatMap(({ relation, user }): Fault[] => {
    const path = `profiles.${configuredName(relation, settings)}`;
    const existing = findRelation(snapshot, relation);
    if (existing === undefined) return [];
    const column = existing.columns.find(({ name }) => name === user);
    if (column === undefined) {
      return [{ path, fault: `has no column ${user}`, fix: "name the column with the user's id" }];
    }
    if (column.type !== tenancy.users.idType) {
      const fault = `${user} has the type ${column.type}, and the users' key has ${tenancy.users.idType}`;
      return [{ path, fault, fix: "name the column with the user's id" }];
    }
    return [];
  });
}

/** Policies that exist already under names that the plan uses. */
export function takenProfileNames(
  { settings, snapshot, tenancy }: StageContext,
  profiles: readonly ProfileTable[],
): readonly Fault[] {
  return profiles.flatMap(({ relation }) => {
    const existing = findRelation(snapshot, relation);
    const planned = [
      ...profileGuards(relation, tenancy),
      ...(existing?.rowSecurity === true ? [] : profilePermissions(relation, tenancy)),
    ].map(({ name }) => name);
    return (existing?.policies ?? [])
      .filter(({ name }) => planned.includes(name))
      .map(({ name }) => ({
        path: `profiles.${configuredName(relation, settings)}`,
        fault: `has the policy ${name} already`,
        fix: "drop or rename it: the plan creates its own",
      }));
  });
}
