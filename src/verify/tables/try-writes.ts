import type { TriedCommand, TriedOutcome } from "../../events/verification.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import type { Refused, Tries, Try } from "../proof/attempt.ts";
import { foreignRows, type Part, requestOf, shownBy, type Trial } from "../proof/trial.ts";
import { type Violation, violation } from "../proof/violation.ts";
import { isAtOneOf, rowLocation } from "../rows/row-location.ts";
import { type AttemptedWrite, writesOf } from "./attempted-writes.ts";
import type { Alive } from "./own-writes.ts";
import {
  grouped,
  isHeld,
  isRefusedByApplication,
  notRun,
  refusedByApplication,
  waysOf,
} from "./refusals.ts";

/** The result of an attempt: what got through, and what could not be tried for a reason that is no leak. */
export type Tried = {
  readonly violations: readonly Violation[];
  readonly remarks: readonly string[];
};

/** The same of one table, by command. */
export type TriedTable = Tried & {
  /** The outcome by command; the worst one, where it was tried in several ways. */
  readonly commands: Partial<Readonly<Record<TriedCommand, TriedOutcome>>>;
};

/** No write, with or without WHERE, changes rows of other organizations. */
export function tryWriting(trial: Trial): Part<(alive: Alive) => TriedTable> {
  const as = requestOf(trial);
  const look = othersOf(trial);
  const writes = writesOf(trial);
  const untouched: Try = { statement: sql`SELECT 1`, look };
  const ways = writes.map(({ statement }) => waysOf(trial, { as, statement, look }));
  return {
    tries: [untouched, ...ways.flat()],
    judge: ([before, ...outcomes]) => {
      const tried = grouped(ways, outcomes);
      const theirs = before?.kind === "done" ? before.seen : undefined;
      return (alive) => {
        const all = writes.map((write, index) =>
          judgedWrite(trial, write, tried[index] ?? [], { alive, theirs }),
        );
        return {
          violations: all.flatMap((one) => one.violations),
          remarks: all.flatMap((one) => one.remarks),
          commands: worst(all),
        };
      };
    },
  };
}

type Judged = Tried & { readonly command: TriedCommand; readonly outcome: TriedOutcome };

function judgedWrite(
  trial: Trial,
  { command, what, redacted }: AttemptedWrite,
  outcomes: readonly Tries[],
  { alive, theirs }: { readonly alive: Alive; readonly theirs: string | null | undefined },
): Judged {
  const nothing = { command, violations: [], remarks: [] };
  const leak = outcomes.find((one) => one.kind === "done" && one.seen !== theirs);
  if (leak?.kind === "done") {
    const answer = `done: ${leak.rows} rows, by the command's own count`;
    const shown = shownBy(trial, redacted, answer);
    const through = `${what} got through: others' rows were changed`;
    return { ...nothing, outcome: "open", violations: [{ what: through, shown }] };
  }
  const holds = (one: Tries) => one.kind === "done" || isHeld(trial, one, command, alive);
  if (outcomes.some(holds)) return { ...nothing, outcome: "held" };
  const refused = outcomes.find((one): one is Refused => one.kind === "refused");
  if (refused === undefined) return { ...nothing, outcome: "untried", remarks: [notRun(trial)] };
  if (isRefusedByApplication(refused)) {
    return { ...nothing, outcome: "untried", remarks: [refusedByApplication(refused)] };
  }
  const why = `${what} could not be tried: ${refused.message} (SQLSTATE ${refused.sqlState})`;
  return { ...nothing, outcome: "untried", violations: [violation(why)] };
}

const worse: readonly TriedOutcome[] = ["open", "untried", "held"];

function worst(all: readonly Judged[]): TriedTable["commands"] {
  const commands: Partial<Record<TriedCommand, TriedOutcome>> = {};
  for (const outcome of worse) {
    for (const one of all) if (one.outcome === outcome) commands[one.command] ??= outcome;
  }
  return commands;
}

/** Others' rows, by which writes are judged, as one text; read without row-level security. */
function othersOf(trial: Trial): Sql {
  const { fence, tenancy, testRows } = trial;
  const column = ident(tenancy.column);
  // Existing organizations may have any number of rows, which the application may be writing.
  const theirs =
    testRows.unmoved === undefined
      ? sql`${column} = ANY (${foreignRows(trial)}::uuid[])`
      : isAtOneOf(testRows.locations);
  return sql`
    SELECT string_agg(row, ', ' ORDER BY row)
      FROM (SELECT ${rowLocation} || ' ' || ${column} AS row
              FROM ${ident(fence.relation)}
             WHERE ${theirs}) AS others
  `;
}
