import { z } from "zod";
import { ident, type Sql, sql } from "../postgres/sql.ts";
import type { TriedCommand, TriedOutcome } from "../report/events.ts";
import { type Attempt, attempt, type Refused, silently } from "./impersonation.ts";
import { insertLike } from "./likeness.ts";
import { as, foreignRows, type Trial } from "./trial.ts";

/** What writes came to: what got through, and what could not be told for a reason that is no leak. */
export type Tried = { readonly violations: readonly string[]; readonly remarks: readonly string[] };

/** The same of one table, by command. */
export type TriedTable = Tried & {
  /** What is known of each command; the worst, where it was tried in several ways. */
  readonly commands: Partial<Record<TriedCommand, TriedOutcome>>;
};

/** Blind, stealing, deleting and pushing writes leave every other organization's rows as they were. */
export async function tryWriting(trial: Trial): Promise<TriedTable> {
  const { fence, tenancy } = trial;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const { organizations } = trial.actor;
  const own = organizations[0];
  // What is theirs stays where it is: two of their organizations may hold the same unique value.
  const stolen = sql`CASE WHEN ${column} = ANY (${organizations}::uuid[]) THEN ${column} ELSE ${own ?? null}::uuid END`;
  const foreign = foreignRows(trial);
  const target = foreign[0];
  if (target === undefined) return { violations: [], remarks: [], commands: {} };
  const writes: [TriedCommand, string, Sql][] = [
    // Without WHERE only the UPDATE policies are asked, not those for SELECT.
    [
      "UPDATE",
      "a blind UPDATE",
      own === undefined
        ? sql`UPDATE ${table} SET ${column} = ${target}::uuid`
        : sql`UPDATE ${table} SET ${column} = ${stolen}`,
    ],
    [
      "UPDATE",
      "an UPDATE of others' rows",
      sql`UPDATE ${table} SET ${column} = ${own ?? target}::uuid WHERE ${column} = ANY (${foreign}::uuid[])`,
    ],
    [
      "DELETE",
      "a DELETE of others' rows",
      sql`DELETE FROM ${table} WHERE ${column} = ANY (${foreign}::uuid[])`,
    ],
    // Policies are not asked. Where it is granted, and only a foreign key forbids it, that is said.
    ["TRUNCATE", "a TRUNCATE", sql`TRUNCATE ${table}`],
  ];
  if (own !== undefined) {
    writes.push(
      [
        "UPDATE",
        "a row pushed to others",
        sql`UPDATE ${table} SET ${column} = ${target}::uuid WHERE ${column} = ${own}::uuid`,
      ],
      // Here the policies for SELECT are not asked about what became of the row either.
      [
        "UPDATE",
        "a row blindly pushed to others",
        sql`UPDATE ${table} SET ${column} = ${target}::uuid`,
      ],
    );
  }
  const violations: string[] = [];
  const remarks: string[] = [];
  const commands: TriedTable["commands"] = {};
  for (const [command, what, statement] of writes) {
    const { leak, outcome } = await judged(trial, statement);
    if (leak !== undefined) {
      violations.push(`${what} got through: ${leak}`);
      commands[command] = "open";
    } else if (outcome.kind === "done" || outcome.sqlState === "42501")
      commands[command] ??= "held";
    else {
      if (commands[command] !== "open") commands[command] = "untried";
      if (isRefusedByApplication(outcome)) remarks.push(refusedByApplication(outcome));
      else {
        violations.push(
          `${what} could not be tried: ${outcome.message} (SQLSTATE ${outcome.sqlState})`,
        );
      }
    }
  }
  return { violations, remarks, commands };
}

/** Runs a write as the persona, and compares what the others have before and after, as nobody bound. */
async function judged(
  trial: Trial,
  statement: Sql,
): Promise<{ readonly leak: string | undefined; readonly outcome: Attempt }> {
  const { queries, fence, tenancy, placement } = trial;
  const column = ident(tenancy.column);
  // Others' own organizations may hold any number of rows, to which the application goes on writing.
  const theirs =
    placement.unmoved === undefined
      ? sql`${column} = ANY (${foreignRows(trial)}::uuid[])`
      : sql`ctid = ANY (${placement.places}::tid[])`;
  const others = sql`
    SELECT ctid::text || ' ' || ${column} AS row
      FROM ${ident(fence.relation)}
     WHERE ${theirs}
     ORDER BY 1
  `;
  const rowSchema = z.object({ row: z.string() });
  const before = await queries.rows(others, rowSchema);
  await queries.execute(sql`SAVEPOINT judged`);
  const outcome = await outcomeOf(trial, statement);
  const after = await queries.rows(others, rowSchema);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT judged`);
  const untouched = JSON.stringify(before) === JSON.stringify(after);
  const leak = `others had ${before.length} rows and now have ${after.length}, or they were written to`;
  return { leak: untouched ? undefined : leak, outcome };
}

/** A row for somebody else's organization, or for none. */
export async function tryInserting(trial: Trial): Promise<TriedTable> {
  const { queries, tenancy, actor, placement } = trial;
  const violations: string[] = [];
  const remarks: string[] = [];
  let untried = false;
  const strangers = [...foreignRows(trial), tenancy.defaultOrganizationId].filter(
    (organization) => !actor.organizations.includes(organization),
  );
  const insertInto = await insertLike({ ...trial, place: placement.places[0] });
  for (const organization of [...[...new Set(strangers)].slice(0, 2), null]) {
    await queries.execute(sql`SAVEPOINT inserting`);
    const outcome = await outcomeOf(trial, insertInto(organization));
    // A trigger may have given it one.
    const filled = organization === null && !(await hasRowsOfNone(trial));
    await queries.execute(sql`ROLLBACK TO SAVEPOINT inserting`);
    if (outcome.kind === "done" && filled) continue;
    const whose = nameOf(trial, organization);
    if (outcome.kind === "done") violations.push(`inserts a row for ${whose}`);
    else if (outcome.sqlState === "42501") continue;
    else if (isRefusedByApplication(outcome)) {
      remarks.push(refusedByApplication(outcome));
      untried = true;
    } else if (organization === null && (outcome.inFunction || outcome.sqlState === "23505")) {
      // What finds an organization for it may fail for this persona, or gave it theirs, where the
      // copied row's key is taken: it is not written either way.
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else if (isConstraintOf(trial, outcome)) {
      violations.push(`a row for ${whose} is stopped by a constraint only: ${outcome.message}`);
    } else if (outcome.sqlState.startsWith("23") && outcome.constraintOf === undefined) {
      // A domain's constraint comes before row-level security is asked.
      remarks.push(`no row could be inserted: ${outcome.message}`);
      untried = true;
    } else violations.push(`inserting could not be tried: ${outcome.message}`);
  }
  const outcome = untried ? "untried" : "held";
  return { violations, remarks, commands: { INSERT: violations.length > 0 ? "open" : outcome } };
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

function nameOf({ placement }: Trial, organization: string | null): string {
  if (organization === null) return "no organization";
  return placement.organizations.includes(organization)
    ? "another organization"
    : "the default organization";
}

/**
 * What comes of a statement as the persona. Where a trigger of the application's refuses it before
 * row-level security is asked, it is tried again without triggers, if this role may silence them.
 */
async function outcomeOf(trial: Trial, statement: Sql): Promise<Attempt> {
  const tryIt = () => as(trial, () => attempt(trial.queries, statement));
  const outcome = await tryIt();
  return isRefusedByApplication(outcome) ? silently(trial.queries, tryIt) : outcome;
}

/** P0001 is RAISE without a code; constraints are what triggers like to raise, or run into. */
function isRefusedByApplication(outcome: Attempt): boolean {
  return (
    outcome.kind === "refused" &&
    outcome.inFunction &&
    (outcome.sqlState === "P0001" || outcome.sqlState.startsWith("23"))
  );
}

function refusedByApplication({ message }: Refused): string {
  return `the application's own trigger refuses writes: ${message}`;
}

/** Row-level security is asked before a table's constraints: these mean that it let the row through. */
function isConstraintOf({ fence }: Trial, { sqlState, constraintOf }: Refused): boolean {
  return (
    ["23502", "23503", "23505", "23514", "23P01"].includes(sqlState) &&
    constraintOf?.schema === fence.relation.schema &&
    constraintOf.name === fence.relation.name
  );
}
