import type { Policy } from "../../catalog/relations.ts";
import { ident, list, literal, raw, type Some, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { exists, none, policyWhere } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import type { TablePlan } from "../model/table-plan.ts";
import {
  commandNamed,
  createPolicy,
  getsPermissivePolicies,
  type PlannedPolicy,
  permissivePolicies,
  policyNames,
} from "../table/fence.ts";

const commands = ["r", "a", "w", "d"] as const;
type Command = (typeof commands)[number];

/** The commands that a policy is for. */
export function commandsOf({ command }: Pick<Policy, "command">): readonly Command[] {
  return command === "*" ? commands : [command];
}

/** The plan's policy for a command. */
function plannedFor(table: TablePlan, command: Command): PlannedPolicy {
  const planned = permissivePolicies(table);
  const found =
    planned.find((policy) => policy.command === command) ??
    planned.find((policy) => policy.command === "*");
  if (found === undefined) throw new Error(`the plan has no policy for ${command}`);
  return found;
}

/**
 * Replaces old policies that let everybody through by the plan's. Under the guard both show the same
 * rows; the plan's keep organizations apart also without the guard.
 */
export function replacePolicies(table: TablePlan, old: Some<Policy>): TransactionStep {
  const { relation, label, existing } = table;
  const on = ident(relation);
  const wanted = new Map<string, { policy: PlannedPolicy; roles: readonly string[] | null }>();
  for (const policy of old) {
    for (const command of commandsOf(policy)) {
      const planned = plannedFor(table, command);
      const roles = wanted.get(planned.name)?.roles;
      wanted.set(planned.name, { policy: planned, roles: both(roles, policy.roles) });
    }
  }
  const there = (name: string) =>
    getsPermissivePolicies(table) || existing.policies.some((one) => one.name === name);
  const made = [...wanted.values()].filter(({ policy }) => !there(policy.name));
  const drop = ({ name }: { readonly name: string }) =>
    sql`DROP POLICY IF EXISTS ${ident(name)} ON ${on}`;
  const [first, ...others] = [
    ...made.map(({ policy, roles }) => createPolicy(relation, policy, roles)),
    ...old.map(({ name }) => sql`DROP POLICY ${ident(name)} ON ${on}`),
  ];
  const [back, ...more] = [
    ...old.flatMap((policy) => [drop(policy), ...asItWas(table, policy)]),
    ...made.map(({ policy }) => drop(policy)),
  ];
  if (first === undefined || back === undefined) throw new TypeError("there is nothing to replace");
  return {
    id: `day3/${label}/old-policies`,
    title: "replace policies that let everybody through by the plan's",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [first, ...others],
    down: { kind: "exact", sql: [back, ...more] },
    verify: [
      none(
        `the old policies of ${label} that let everybody through are dropped`,
        sql`
          SELECT format('the policy %I of %s still exists', p.polname, ${label}::text) AS violation
            FROM pg_policy p
           WHERE p.polrelid = to_regclass(${textOf(on)})
             AND p.polname = ANY (${old.map(({ name }) => name)}::text[])
        `,
      ),
      ...[...wanted.values()].map(({ policy }) => replacesOld(table, policy)),
    ],
  };
}

/**
 * Proves that no member loses a row: the policy has the same condition as the guard, and an old policy
 * under the guard let no more rows through.
 */
function replacesOld(table: TablePlan, { name, command }: PlannedPolicy) {
  const { relation, label } = table;
  const permissive = sql`p.polpermissive AND p.polcmd = ${command}`;
  if (command === "*")
    return exists(`${label} has the policy ${name}`, policyWhere(relation, name, permissive));
  return exists(
    `the policy ${name} of ${label} lets through all that the guard does`,
    policyWhere(
      relation,
      name,
      sql`${permissive}
          AND EXISTS (SELECT
                        FROM pg_policy g
                       WHERE g.polrelid = p.polrelid
                         AND g.polname = ${policyNames(relation.name).guard}
                         AND pg_get_expr(g.polqual, g.polrelid)
                             = pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid)
                         AND pg_get_expr(g.polwithcheck, g.polrelid)
                             = pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid))`,
    ),
  );
}

function both(
  one: readonly string[] | null | undefined,
  other: readonly string[] | null,
): readonly string[] | null {
  if (one === undefined) return other;
  return one === null || other === null ? null : [...new Set([...one, ...other])].sort();
}

function asItWas({ relation }: TablePlan, policy: Policy): Sql[] {
  const on = ident(relation);
  const clauses = [
    sql`CREATE POLICY ${ident(policy.name)}`,
    sql`ON ${on}`,
    ...(policy.permissive ? [] : [sql`AS RESTRICTIVE`]),
    sql`FOR ${commandNamed(policy.command)}`,
    ...(policy.roles === null ? [] : [sql`TO ${list(policy.roles.map((role) => ident(role)))}`]),
    ...(policy.using === null ? [] : [sql`USING (${raw(policy.using)})`]),
    ...(policy.check === null ? [] : [sql`WITH CHECK (${raw(policy.check)})`]),
  ];
  const comment = sql`COMMENT ON POLICY ${ident(policy.name)} ON ${on}\n  IS ${literal(policy.comment)}`;
  return [list(clauses, "\n  "), ...(policy.comment === null ? [] : [comment])];
}
