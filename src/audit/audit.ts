import { readReachedRoles } from "../catalog/request-roles.ts";
import { readRoutines } from "../catalog/routines/read-routines.ts";
import type { Routines } from "../catalog/routines/routine.ts";
import { acceptanceOf, today } from "../config/accepted.ts";
import type { Settings } from "../config/settings.ts";
import { messageOf } from "../errors.ts";
import { type Finding, findingSeverities } from "../events/finding.ts";
import { isConcurrentChange, type Queries, sqlState } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { type AuditContext, foundSchema, type Rule, type RuleContext } from "./rule.ts";

/**
 * Runs the rules' queries on the catalog, in a transaction. A rule whose query fails is a finding.
 * @returns the findings, the most severe first
 */
export async function audit(
  queries: Queries,
  context: AuditContext,
  rules: readonly Rule[],
): Promise<Finding[]> {
  // Every rule reads the catalog of this database only, which takes less than that.
  await queries.execute(sql`SET LOCAL statement_timeout = '20s'`);
  // Compiling one of the rules' queries takes longer than running it.
  await queries.execute(sql`SET LOCAL jit = off`);
  const asked = await ruleContext(queries, context);
  const findings: Finding[] = [];
  for (const rule of rules) findings.push(...(await askRule(queries, asked, rule)));
  return findings.sort(
    (one, other) =>
      findingSeverities.indexOf(one.severity) - findingSeverities.indexOf(other.severity),
  );
}

/** The context with all roles that requests have in the database as it is now. */
async function ruleContext(queries: Queries, context: AuditContext): Promise<RuleContext> {
  const reached = await readReachedRoles(queries, context.requests);
  const [role = context.roles[0], ...others] = reached
    .filter(({ becomes, trusted, superuser }) => becomes && !trusted && !superuser)
    .map((one) => one.role)
    .filter((name) => !name.startsWith("pg_"));
  const roles = [role, ...others] as const;
  let read: Promise<Routines> | undefined;
  const routines = () => {
    read ??= readRoutines(queries, roles);
    return read;
  };
  return { ...context, reached, roles, routines };
}

async function askRule(queries: Queries, context: RuleContext, rule: Rule): Promise<Finding[]> {
  const { id, title, severity, why } = rule;
  const told = { id, title, severity, why };
  await queries.execute(sql`SAVEPOINT rule`);
  try {
    const found =
      "find" in rule
        ? await rule.find(queries, context)
        : await queries.rows(rule.findings(context), foundSchema);
    return found.map(({ severity: own = severity, ...one }) => ({
      ...told,
      ...one,
      severity: own,
    }));
  } catch (error) {
    if (sqlState(error) === undefined || isConcurrentChange(error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT rule`);
    const fact = `could not be checked: ${messageOf(error)}`;
    return [{ ...told, object: "the rule", fact, fix: "-- fix the error above" }];
  }
}

/** Marks the findings that the configuration accepts. @param day as `2026-11-23` */
export function judge(
  findings: readonly Finding[],
  accepted: Settings["audit"]["accepted"],
  day: string = today(),
): Finding[] {
  return findings.map((finding) => {
    const { id: rule, object } = finding;
    const acceptance = acceptanceOf(accepted, { rule, object }, day);
    return acceptance === undefined ? finding : { ...finding, accepted: acceptance };
  });
}
