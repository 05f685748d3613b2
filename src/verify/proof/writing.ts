import { z } from "zod";
import type { TriedCommand, TriedOutcome } from "../../events/events.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { isAtOneOf, rowLocation } from "../rows/row-location.ts";
import { type Attempt, attemptThenUndo, type Refused, withoutTriggers } from "./attempt.ts";
import { isPartitioned } from "./partitions.ts";
import { signedInAs } from "./request.ts";
import { foreignRows, insertLikeFirst, shownBy, type Trial } from "./trial.ts";
import { type Violation, violation } from "./violation.ts";
import { writesOf } from "./writes.ts";

/** What writes came to: what got through, and what could not be redacted for a reason that is no leak. */
export type Tried = {
  readonly violations: readonly Violation[];
  readonly remarks: readonly string[];
};

/** The same of one table, by command. */
export type TriedTable = Tried & {
  /** What is known of each command; the worst, where it was tried in several ways. */
  readonly commands: Partial<Record<TriedCommand, TriedOutcome>>;
};

/** Blind, stealing, deleting and pushing writes leave every other organization's rows as they were. */
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
 * Whether a policy refused it, or a privilege that is not granted. Where everything is granted, whatever
 * else has the same SQLSTATE (a function or a schema that may not be used) says nothing of the fence.
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
    : `refused with ${outcome.sqlState}, and others' rows were written to all the same`;
}

/** Runs a write as the persona, and compares what the others have before and after, as nobody bound. */
async function judged(
  trial: Trial,
  statement: Sql,
): Promise<{ readonly leak: string | undefined; readonly outcome: Attempt }> {
  const { queries, fence, tenancy, testRows } = trial;
  const column = ident(tenancy.column);
  // Others' own organizations may hold any number of rows, to which the application goes on writing.
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
  const leak = `others had ${before.length} rows and now have ${after.length}, or they were written to`;
  return { leak: untouched ? undefined : leak, outcome };
}

/** A row for somebody else's organization, or for none. */
export async function tryInserting(trial: Trial): Promise<TriedTable> {
  const { tenancy, actor } = trial;
  const violations: Violation[] = [];
  const remarks: string[] = [];
  let untried = false;
  const nonMembers = [...foreignRows(trial), tenancy.defaultOrganizationId].filter(
    (organization) => !actor.organizations.includes(organization),
  );
  const insertInto = await insertLikeFirst(trial);
  const others = [...new Set(nonMembers)].slice(0, 2);
  for (const { organization, fires } of [
    ...[...others, null].map((one) => ({ organization: one, fires: true })),
    // Once more without the trigger that would give it one, of whoever the copied row is.
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
        what: `a row for ${whose} is stopped by a constraint only: ${outcome.message}`,
        shown: shownBy(trial, redacted, `SQLSTATE ${outcome.sqlState}`),
      });
    } else if (outcome.sqlState.startsWith("23") && outcome.constraintOf === undefined) {
      // A domain's constraint comes before row-level security is asked.
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else violations.push(violation(`inserting could not be tried: ${outcome.message}`));
  }
  const outcome = untried ? "untried" : "held";
  return { violations, remarks, commands: { INSERT: violations.length > 0 ? "open" : outcome } };
}

/**
 * Whether a row for no organization may have been given the writer's before it was refused: what finds
 * one may fail for this persona, the copied row's key may be taken, or another column be missing.
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
 * What comes of a statement as the persona, which is undone after a look. Where a trigger of the
 * application's refuses it before row-level security is asked, it is tried again without triggers, if
 * this role may silence them.
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

/** Row-level security, a timeout, and who stands in the way: whoever raises anything else is a function. */
const notOfFunctions = ["42501", "57014", "55P03", "40P01", "40001"];

/** Triggers raise what they like, and run into constraints and rows that they do not see. */
function isRefusedByApplication(outcome: Attempt): boolean {
  return (
    outcome.kind === "refused" && outcome.inFunction && !notOfFunctions.includes(outcome.sqlState)
  );
}

function refusedByApplication({ message }: Refused): string {
  return `the application's own trigger refuses writes: ${message}`;
}

/**
 * No partition takes the row, which is found before row-level security is asked: a partitioned table
 * has none for it, or a trigger has seen that an empty one is not it (0A000).
 */
async function isUnrouted({ queries, fence, testRows }: Trial, refused: Refused) {
  const { sqlState, constraint } = refused;
  if (sqlState === "0A000") return testRows.locations.length === 0;
  const isBound = sqlState === "23514" && constraint === undefined;
  return isBound && (await isPartitioned(queries, fence));
}

/** Row-level security is asked before a table's constraints: these mean that it let the row through. */
function isConstraintOf({ fence }: Trial, { sqlState, constraintOf }: Refused): boolean {
  return (
    ["23502", "23503", "23505", "23514", "23P01"].includes(sqlState) &&
    constraintOf?.schema === fence.relation.schema &&
    constraintOf.name === fence.relation.name
  );
}
