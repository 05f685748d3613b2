import { ident, type Sql, sql } from "../../postgres/sql.ts";
import type { Refused, Tries } from "../proof/attempt.ts";
import { foreignRows, type Part, requestOf, shownBy, type Trial } from "../proof/trial.ts";
import { violation } from "../proof/violation.ts";
import type { Alive } from "./own-writes.ts";
import {
  grouped,
  isHeld,
  isRefusedByApplication,
  notRun,
  refusedByApplication,
  waysOf,
} from "./refusals.ts";
import type { Tried, TriedTable } from "./try-writes.ts";

/** Inserts a row for other organizations, and for none. */
export function tryInserting(trial: Trial): Part<(alive: Alive) => TriedTable> {
  const { tenancy, actor, insertInto } = trial;
  const as = requestOf(trial);
  const foreign = [...foreignRows(trial), tenancy.defaultOrganizationId].filter(
    (organization) => !actor.organizations.includes(organization),
  );
  const targets = [...[...new Set(foreign)].slice(0, 2), null];
  const ways = targets.map((organization) => {
    const { statement } = insertInto(organization);
    // A trigger may have given it an organization.
    const look = organization === null ? rowsOfNone(trial) : undefined;
    return waysOf(trial, { as, statement, ...(look === undefined ? {} : { look }) });
  });
  return {
    tries: ways.flat(),
    judge: (outcomes) => {
      const tried = grouped(ways, outcomes);
      return (alive) => {
        const all = targets.map((organization, index) =>
          judged(trial, organization, tried[index] ?? [], alive),
        );
        const violations = all.flatMap((one) => one.violations);
        const remarks = all.flatMap((one) => one.remarks);
        const outcome = remarks.length > 0 ? "untried" : "held";
        return {
          violations,
          remarks,
          commands: { INSERT: violations.length > 0 ? "open" : outcome },
        };
      };
    },
  };
}

function judged(
  trial: Trial,
  organization: string | null,
  outcomes: readonly Tries[],
  alive: Alive,
): Tried {
  const { redacted } = trial.insertInto(organization);
  const whose = nameOf(trial, organization);
  const isLeak = (one: Tries) =>
    one.kind === "done" && one.rows > 0 && (organization !== null || one.seen !== "0");
  if (outcomes.some(isLeak)) {
    const shown = shownBy(trial, redacted, "done: the row is there");
    return { violations: [{ what: `inserts a row for ${whose}`, shown }], remarks: [] };
  }
  // Each way must be refused, or have filled the organization in: a trigger that refuses proves nothing.
  const open = outcomes.filter(
    (one): one is Refused => one.kind === "refused" && !isHeld(trial, one, "INSERT", alive),
  );
  const held = open.length < outcomes.length;
  if (outcomes.length === 0) return { violations: [], remarks: [notRun(trial)] };
  const constrained = open.find(
    (one) => isConstraintOf(trial, one) && !isExcused(trial, one, organization),
  );
  if (constrained !== undefined) {
    const what = `a row for ${whose} is refused by a constraint only: ${constrained.message}`;
    const shown = shownBy(trial, redacted, `SQLSTATE ${constrained.sqlState}`);
    return { violations: [{ what, shown }], remarks: [] };
  }
  const [refused] = open;
  if (refused === undefined || held) return { violations: [], remarks: [] };
  if (isRefusedByApplication(refused)) {
    return { violations: [], remarks: [refusedByApplication(refused)] };
  }
  // A domain's constraint is checked before policies.
  const byDomain = refused.sqlState.startsWith("23") && refused.constraintOf === undefined;
  if (byDomain || isExcused(trial, refused, organization)) {
    return { violations: [], remarks: [`no row could be inserted: ${refused.message}`] };
  }
  return {
    violations: [violation(`inserting could not be tried: ${refused.message}`)],
    remarks: [],
  };
}

/** Whether it may have been refused before the policies were asked. */
function isExcused(trial: Trial, refused: Refused, organization: string | null): boolean {
  return (
    (organization === null && mayHaveBeenGivenOne(trial, refused)) || isUnrouted(trial, refused)
  );
}

/**
 * Whether a trigger may have set an organization before the row was refused: the function that finds it may
 * fail for this persona, the copied row's key may exist already, or another column may be missing.
 */
function mayHaveBeenGivenOne(
  { tenancy, facts }: Trial,
  { inFunction, sqlState, column }: Refused,
): boolean {
  if (!facts.granted.intervenes) return inFunction;
  const missesAnother = sqlState === "23502" && column !== tenancy.column;
  return inFunction || sqlState === "23505" || missesAnother;
}

function rowsOfNone({ fence, tenancy }: Trial): Sql {
  return sql`
    SELECT count(*)::text
      FROM (SELECT
              FROM ${ident(fence.relation)}
             WHERE ${ident(tenancy.column)} IS NULL
             LIMIT 1) AS found
  `;
}

function nameOf({ testRows }: Trial, organization: string | null): string {
  if (organization === null) return "no organization";
  return testRows.organizations.includes(organization)
    ? "another organization"
    : "the default organization";
}

/**
 * Whether no partition accepts the row, which is checked before policies: a partitioned table has none for
 * it, or a trigger found that it does not belong into the partition (0A000).
 */
function isUnrouted({ testRows, facts }: Trial, { sqlState, constraint }: Refused): boolean {
  if (sqlState === "0A000") return testRows.locations.length === 0;
  return sqlState === "23514" && constraint === undefined && facts.partitioned;
}

/** Policies are checked before a table's constraints: an error of a constraint means that they let the row through. */
function isConstraintOf({ fence }: Trial, { sqlState, constraintOf }: Refused): boolean {
  return (
    ["23502", "23503", "23505", "23514", "23P01"].includes(sqlState) &&
    constraintOf?.schema === fence.relation.schema &&
    constraintOf.name === fence.relation.name
  );
}
