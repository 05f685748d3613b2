import { z } from "zod";
import type { TriedCommand, TriedOutcome } from "../../events/events.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { isAtOneOf, rowLocation } from "../rows/row-location.ts";
import { type Attempt, attemptThenUndo, type Refused, withoutTriggers } from "./attempt.ts";
import { writesOf } from "./attempted-writes.ts";
import { isPartitioned } from "./partitions.ts";
import { signedInAs } from "./request.ts";
import { foreignRows, insertLikeFirst, shownBy, type Trial } from "./trial.ts";
import { type Violation, violation } from "./violation.ts";

/** The result of an attempt: what got through, and what could not be tried for a reason that is no leak. */
export type Tried = {
  readonly violations: readonly Violation[];
  readonly remarks: readonly string[];
};

/** The same of one table, by command. */
export type TriedTable = Tried & {
  /** The outcome by command; the worst one, where it was tried in several ways. */
  readonly commands: Partial<Record<TriedCommand, TriedOutcome>>;
};

/** No write, with or without WHERE, changes rows of other organizations. */
export async function tryWriting(trial: Trial): Promise<TriedTable> {
  const violations: Violation[] = [];
  const remarks: string[] = [];
  const commands: TriedTable["commands"] = {};
  for (const { command, what, statement, redacted } of await writesOf(trial)) {
    const { leak, outcome } = await judged(trial, statement);
    if (leak !== undefined) {
      violations.push({
        what: `${what} got through: ${leak}`,
        shown: shownBy(trial, redacted, answerOf(outcome)),
      });
      commands[command] = "open";
    } else if (outcome.kind === "done" || isHeld(trial, outcome, command))
      commands[command] ??= "held";
    else {
      if (commands[command] !== "open") commands[command] = "untried";
      if (isRefusedByApplication(outcome)) remarks.push(refusedByApplication(outcome));
      else {
        violations.push(
          violation(
            `${what} could not be tried: ${outcome.message} (SQLSTATE ${outcome.sqlState})`,
          ),
        );
      }
    }
  }
  return { violations, remarks, commands };
}

/**
 * Whether a policy refused it, or a missing privilege on the table. Where all privileges are granted, another
 * error with the same SQLSTATE (a function or a schema that may not be used) proves nothing.
 */
function isHeld(
  { facts }: Trial,
  { sqlState, byPolicy, inFunction }: Refused,
  command: TriedCommand,
): boolean {
  const isExplained = byPolicy || inFunction || command === "TRUNCATE" || !facts.granted.all;
  return sqlState === "42501" && isExplained;
}

function answerOf(outcome: Attempt): string {
  return outcome.kind === "done"
    ? `done: ${outcome.rows} rows, by the command's own count`
    : `refused with ${outcome.sqlState}, but others' rows were changed`;
}

/** Runs a write as the persona, and compares others' rows before and after, read without row-level security. */
async function judged(
  trial: Trial,
  statement: Sql,
): Promise<{ readonly leak: string | undefined; readonly outcome: Attempt }> {
  const { queries, fence, tenancy, testRows } = trial;
  const column = ident(tenancy.column);
  // Existing organizations may have any number of rows, which the application may be writing.
  const theirs =
    testRows.unmoved === undefined
      ? sql`${column} = ANY (${foreignRows(trial)}::uuid[])`
      : isAtOneOf(testRows.locations);
  const others = sql`
    SELECT ${rowLocation} || ' ' || ${column} AS row
      FROM ${ident(fence.relation)}
     WHERE ${theirs}
     ORDER BY 1
  `;
  const rowSchema = z.object({ row: z.string() });
  const look = () => queries.rows(others, rowSchema);
  const before = await look();
  const { outcome, seen: after } = await outcomeOf(trial, statement, look);
  const untouched = JSON.stringify(before) === JSON.stringify(after);
  const leak = `others had ${before.length} rows and now have ${after.length}, or their rows were changed`;
  return { leak: untouched ? undefined : leak, outcome };
}

/** Tries to insert a row for another organization, and for none. */
export async function tryInserting(trial: Trial): Promise<TriedTable> {
  const { tenancy, actor } = trial;
  const violations: Violation[] = [];
  const remarks: string[] = [];
  let untried = false;
  const foreign = [...foreignRows(trial), tenancy.defaultOrganizationId].filter(
    (organization) => !actor.organizations.includes(organization),
  );
  const insertInto = await insertLikeFirst(trial);
  const others = [...new Set(foreign)].slice(0, 2);
  for (const { organization, fires } of [
    ...[...others, null].map((one) => ({ organization: one, fires: true })),
    // Again without triggers: one would set the organization of the copied row's user.
    { organization: null, fires: false },
  ]) {
    const { statement, redacted } = insertInto(organization);
    // A trigger may have given it one.
    const wasFilled = async () => organization === null && !(await hasRowsOfNone(trial));
    const tryIt = () => outcomeOf(trial, statement, wasFilled);
    const { outcome, seen: filled } = await (fires
      ? tryIt()
      : withoutTriggers(trial.queries, tryIt));
    if (outcome.kind === "done" && filled) continue;
    const whose = nameOf(trial, organization);
    if (outcome.kind === "done") {
      violations.push({
        what: `inserts a row for ${whose}`,
        shown: shownBy(trial, redacted, answerOf(outcome)),
      });
    } else if (isHeld(trial, outcome, "INSERT")) continue;
    else if (isRefusedByApplication(outcome)) {
      remarks.push(refusedByApplication(outcome));
      untried = true;
    } else if (organization === null && mayHaveBeenGivenOne(trial, outcome)) {
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else if (await isUnrouted(trial, outcome)) {
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else if (isConstraintOf(trial, outcome)) {
      violations.push({
        what: `a row for ${whose} is refused by a constraint only: ${outcome.message}`,
        shown: shownBy(trial, redacted, `SQLSTATE ${outcome.sqlState}`),
      });
    } else if (outcome.sqlState.startsWith("23") && outcome.constraintOf === undefined) {
      // A domain's constraint is checked before policies.
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else violations.push(violation(`inserting could not be tried: ${outcome.message}`));
  }
  const outcome = untried ? "untried" : "held";
  return { violations, remarks, commands: { INSERT: violations.length > 0 ? "open" : outcome } };
}

/**
 * Whether a trigger may have set an organization before the row was refused: the function that finds it may
 * fail for this persona, the copied row's key may exist already, or another column may be missing.
 */
function mayHaveBeenGivenOne(
  { tenancy }: Trial,
  { inFunction, sqlState, column }: Refused,
): boolean {
  const missesAnother = sqlState === "23502" && column !== tenancy.column;
  return inFunction || sqlState === "23505" || missesAnother;
}

async function hasRowsOfNone({ queries, fence, tenancy }: Trial): Promise<boolean> {
  const rows = await queries.rows(
    sql`
      SELECT TRUE AS found
        FROM ${ident(fence.relation)}
       WHERE ${ident(tenancy.column)} IS NULL
       LIMIT 1
    `,
    z.object({ found: z.boolean() }),
  );
  return rows.length > 0;
}

function nameOf({ testRows }: Trial, organization: string | null): string {
  if (organization === null) return "no organization";
  return testRows.organizations.includes(organization)
    ? "another organization"
    : "the default organization";
}

/**
 * Runs a statement as the persona, looks at its effects, and undoes it. Where a trigger of the application
 * refuses it before policies are checked, it is tried again without triggers, if this role may disable them.
 */
async function outcomeOf<Seen>(
  { queries, settings, actor, facts }: Trial,
  statement: Sql,
  look: () => Promise<Seen>,
): Promise<{ readonly outcome: Attempt; readonly seen: Seen }> {
  const request = signedInAs(settings, actor.user);
  const tryIt = () => attemptThenUndo(queries, statement, request, look);
  if (facts.nonTransactionalTrigger !== undefined) return withoutTriggers(queries, tryIt);
  const tried = await tryIt();
  return isRefusedByApplication(tried.outcome) ? withoutTriggers(queries, tryIt) : tried;
}

/** SQLSTATEs of row-level security, timeouts and lock conflicts: other errors within a function are its own. */
const notOfFunctions = ["42501", "57014", "55P03", "40P01", "40001"];

/** Triggers may raise any error, violate constraints, and fail to find rows that policies hide. */
function isRefusedByApplication(outcome: Attempt): boolean {
  return (
    outcome.kind === "refused" && outcome.inFunction && !notOfFunctions.includes(outcome.sqlState)
  );
}

function refusedByApplication({ message }: Refused): string {
  return `the application's own trigger refuses writes: ${message}`;
}

/**
 * Whether no partition accepts the row, which is checked before policies: a partitioned table has none for
 * it, or a trigger found that it does not belong into the partition (0A000).
 */
async function isUnrouted({ queries, fence, testRows }: Trial, refused: Refused) {
  const { sqlState, constraint } = refused;
  if (sqlState === "0A000") return testRows.locations.length === 0;
  const isBound = sqlState === "23514" && constraint === undefined;
  return isBound && (await isPartitioned(queries, fence));
}

/** Policies are checked before a table's constraints: an error of a constraint means that they let the row through. */
function isConstraintOf({ fence }: Trial, { sqlState, constraintOf }: Refused): boolean {
  return (
    ["23502", "23503", "23505", "23514", "23P01"].includes(sqlState) &&
    constraintOf?.schema === fence.relation.schema &&
    constraintOf.name === fence.relation.name
  );
}
