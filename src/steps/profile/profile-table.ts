import type { Grant } from "../../catalog/grants.ts";
import type { Relation } from "../../catalog/relations.ts";
import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { exists, policyWhere, relationWhere } from "../model/checks.ts";
import type { RunName } from "../model/stage.ts";
import type { TransactionStep } from "../model/step.ts";
import type { Tenancy } from "../model/tenancy.ts";
import { restoreGrants, revokeGrants } from "../privileges/grants.ts";
import {
  createProfilePolicy,
  isProfileGuard,
  profileGuards,
  profilePermissions,
} from "./policies.ts";

/** A table with a row for each user, as it is configured and as it exists. */
export type ProfilePlan = {
  readonly relation: RelationName;
  readonly label: string;
  /** The column with the user's id. */
  readonly user: string;
  readonly existing: Relation;
  readonly tenancy: Tenancy;
  /** Grants to the roles of requests that row-level security does not restrict. */
  readonly bypassing: readonly Grant[];
};

/**
 * Row-level security of a table of users: one's own row is read and changed, those of colleagues are read.
 * Where row-level security is on already, its policies stay as they are, narrowed by the guards.
 */
export function fenceProfile(table: ProfilePlan, stage: RunName): TransactionStep {
  const { relation, label, user, existing, tenancy, bypassing } = table;
  const on = ident(relation);
  const guards = profileGuards(relation, tenancy);
  const permissions = existing.rowSecurity ? [] : profilePermissions(relation, tenancy);
  const policies = [...guards, ...permissions];
  const [first, ...others] = policies.map((policy) => createProfilePolicy(relation, user, policy));
  const [dropFirst, ...dropOthers] = policies
    .map(({ name }) => sql`DROP POLICY IF EXISTS ${ident(name)} ON ${on}`)
    .reverse();
  if (first === undefined || dropFirst === undefined) throw new TypeError("there are no policies");
  const force = tenancy.forceRowSecurity && !existing.forceRowSecurity;
  const alter = (what: Sql) => sql`ALTER TABLE IF EXISTS ${on}\n  ${what}`;
  return {
    id: `${stage}/${label}/profile`,
    title: "row-level security: one's own row, and those of colleagues for reading",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [
      first,
      ...others,
      ...(existing.rowSecurity ? [] : [alter(sql`ENABLE ROW LEVEL SECURITY`)]),
      ...(force ? [alter(sql`FORCE ROW LEVEL SECURITY`)] : []),
      ...revokeGrants(on, bypassing),
    ],
    down: {
      kind: "exact",
      sql: [
        dropFirst,
        ...dropOthers,
        ...(existing.rowSecurity ? [] : [alter(sql`DISABLE ROW LEVEL SECURITY`)]),
        ...(force ? [alter(sql`NO FORCE ROW LEVEL SECURITY`)] : []),
        ...restoreGrants(on, bypassing),
      ],
    },
    verify: [
      exists(
        `row-level security of ${label} is on`,
        relationWhere(
          relation,
          tenancy.forceRowSecurity
            ? sql`c.relrowsecurity AND c.relforcerowsecurity`
            : sql`c.relrowsecurity`,
        ),
      ),
      ...guards.map((guard) =>
        exists(
          `${label} has the restrictive policy ${guard.name}, which asks the helper`,
          policyWhere(relation, guard.name, isProfileGuard(guard)),
        ),
      ),
      ...permissions.map(({ name }) =>
        exists(
          `${label} has the policy ${name}`,
          policyWhere(relation, name, sql`p.polpermissive`),
        ),
      ),
    ],
  };
}
