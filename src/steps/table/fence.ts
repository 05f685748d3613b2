import {
  ident,
  list,
  type RelationName,
  raw,
  type Some,
  type Sql,
  sql,
} from "../../postgres/sql.ts";
import { exists, policyWhere, relationWhere } from "../model/checks.ts";
import { nameFor } from "../model/naming.ts";
import type { Check, Down, TransactionStep } from "../model/step.ts";
import { stepId, type TablePlan } from "../model/table-plan.ts";
import { isOneOf } from "../model/tenancy.ts";
import {
  isGuard,
  partitionsAreFenced,
  unfenceLaterPartitions,
} from "../partitioned/partition-fence.ts";
import { restoreGrants, revokeGrants } from "../privileges/grants.ts";

/** The names of a table's policies, as in the plan. */
export function policyNames(name: string): {
  readonly guard: string;
  readonly view: string;
  readonly insert: string;
  readonly update: string;
  readonly delete: string;
  readonly administer: string;
} {
  return {
    guard: nameFor("Only their org's ", name, ""),
    view: nameFor("Users view their org's ", name, ""),
    insert: nameFor("Users insert ", name, " to their org"),
    update: nameFor("Users update their org's ", name, ""),
    delete: nameFor("Users delete their org's ", name, ""),
    administer: nameFor("Admins manage ", name, ""),
  };
}

/**
 * Row-level security with all of its policies, in one transaction, so that no session sees only some of
 * them. The restrictive guard is AND-ed with every permissive policy, also with those of others.
 */
export function fence(table: TablePlan): TransactionStep {
  return {
    id: stepId(table, "fence"),
    title: "row-level security",
    table: table.relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [table.relation] },
    up: fenceStatements(table),
    down: fenceDown(table),
    verify: fenceStands(table),
  };
}

/**
 * Whether the plan's permissive policies are created. Where row-level security is already on, existing
 * policies stay as they are, with the guard added: a table without policies stays closed. Where it is
 * off, existing policies had no effect, and the plan's are created in addition.
 */
export function getsPermissivePolicies(table: TablePlan): boolean {
  return !table.existing.rowSecurity;
}

export function fenceStatements(table: TablePlan): Some<Sql> {
  const { relation, tenancy, existing } = table;
  const names = policyNames(relation.name);
  const on = ident(relation);
  const members = isOneOf(tenancy.column, tenancy.helpers.callerOrganizations);
  const guard = sql`CREATE POLICY ${ident(names.guard)}
  ON ${on}
  AS RESTRICTIVE
  FOR ALL
  USING (${members})
  WITH CHECK (${members})`;
  const enable = existing.rowSecurity ? [] : [sql`ALTER TABLE ${on}\n  ENABLE ROW LEVEL SECURITY`];
  const force =
    tenancy.forceRowSecurity && !existing.forceRowSecurity
      ? [sql`ALTER TABLE ${on}\n  FORCE ROW LEVEL SECURITY`]
      : [];
  const permissive = getsPermissivePolicies(table)
    ? permissivePolicies(table).map((policy) => createPolicy(relation, policy))
    : [];
  return [guard, ...permissive, ...enable, ...force, ...revokeGrants(on, table.bypassing)];
}

/** A permissive policy of the plan; `command` as in pg_policy. */
export type PlannedPolicy = {
  readonly name: string;
  readonly command: "r" | "a" | "w" | "d" | "*";
  readonly condition: Sql;
};

/** The plan's permissive policies of a table: for members, or for admins. */
export function permissivePolicies({ relation, tenancy, access }: TablePlan): PlannedPolicy[] {
  const names = policyNames(relation.name);
  const members = isOneOf(tenancy.column, tenancy.helpers.callerOrganizations);
  const view = { name: names.view, command: "r", condition: members } as const;
  switch (access) {
    case "members":
      return [
        view,
        { name: names.insert, command: "a", condition: members },
        { name: names.update, command: "w", condition: members },
        { name: names.delete, command: "d", condition: members },
      ];
    case "admins": {
      const administrators = isOneOf(tenancy.column, tenancy.helpers.callerAdministers);
      return [view, { name: names.administer, command: "*", condition: administrators }];
    }
    default:
      return access satisfies never;
  }
}

/** CREATE POLICY. @param roles null for PUBLIC */
export function createPolicy(
  relation: RelationName,
  { name, command, condition }: PlannedPolicy,
  roles: readonly string[] | null = null,
): Sql {
  const using = sql`USING (${condition})`;
  const check = sql`WITH CHECK (${condition})`;
  const conditions = { r: [using], d: [using], a: [check], w: [using, check], "*": [using, check] };
  const clauses = [
    sql`CREATE POLICY ${ident(name)}`,
    sql`ON ${ident(relation)}`,
    sql`FOR ${commandNamed(command)}`,
    ...(roles === null ? [] : [sql`TO ${list(roles.map((role) => ident(role)))}`]),
    ...conditions[command],
  ];
  return list(clauses, "\n  ");
}

/** A command as CREATE POLICY writes it. */
export function commandNamed(command: PlannedPolicy["command"]): Sql {
  return raw({ r: "SELECT", a: "INSERT", w: "UPDATE", d: "DELETE", "*": "ALL" }[command]);
}

export function fenceDown(table: TablePlan): Extract<Down, { kind: "exact" }> {
  const { relation, tenancy, existing } = table;
  const names = policyNames(relation.name);
  const drop = (name: string) => sql`DROP POLICY IF EXISTS ${ident(name)} ON ${ident(relation)}`;
  const permissive = getsPermissivePolicies(table) ? permissiveNames(table).map(drop) : [];
  const off = (what: Sql) => sql`ALTER TABLE IF EXISTS ${ident(relation)}\n  ${what}`;
  return {
    kind: "exact",
    sql: [
      drop(names.guard),
      ...(table.partitions === undefined ? [] : [unfenceLaterPartitions(relation, names.guard)]),
      ...permissive,
      ...(existing.rowSecurity ? [] : [off(sql`DISABLE ROW LEVEL SECURITY`)]),
      ...(tenancy.forceRowSecurity && !existing.forceRowSecurity
        ? [off(sql`NO FORCE ROW LEVEL SECURITY`)]
        : []),
      ...restoreGrants(ident(relation), table.bypassing),
    ],
  };
}

/** The names of the policies that the plan creates on a table. */
export function plannedPolicies(table: TablePlan): readonly string[] {
  const { guard } = policyNames(table.relation.name);
  return getsPermissivePolicies(table) ? [guard, ...permissiveNames(table)] : [guard];
}

function permissiveNames(table: TablePlan): string[] {
  return permissivePolicies(table).map(({ name }) => name);
}

/** The checks that row-level security is on and the policies are as the plan creates them. */
export function fenceStands(table: TablePlan): [Check, ...Check[]] {
  const { relation, label, tenancy } = table;
  const permissive = getsPermissivePolicies(table)
    ? permissiveNames(table).map((name) =>
        exists(
          `${label} has the policy ${name}`,
          policyWhere(relation, name, sql`p.polpermissive`),
        ),
      )
    : [];
  const guard = policyNames(relation.name).guard;
  return [
    exists(
      `row-level security of ${label} is on`,
      relationWhere(
        relation,
        tenancy.forceRowSecurity
          ? sql`c.relrowsecurity AND c.relforcerowsecurity`
          : sql`c.relrowsecurity`,
      ),
    ),
    guardStands(relation, label, guard, tenancy.helpers.callerOrganizations),
    ...permissive,
    ...(table.partitions === undefined ? [] : [partitionsAreFenced(table)]),
  ];
}

/** The check that the guard is restrictive, for all commands and roles, and calls the helper in USING and WITH CHECK. */
export function guardStands(
  relation: RelationName,
  label: string,
  guard: string,
  helper: RelationName,
): Check {
  return exists(
    `the guard of ${label} is restrictive, for all commands and roles, on reads and writes`,
    policyWhere(relation, guard, isGuard(helper)),
  );
}
