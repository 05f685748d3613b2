import { z } from "zod";
import { ident, raw, type Sql, sql } from "../../postgres/sql.ts";
import type { Tries, Try } from "../proof/attempt.ts";
import { foreignRows, ownRows, type Part, requestOf, shownBy, type Trial } from "../proof/trial.ts";
import { type Violation, violation } from "../proof/violation.ts";
import { isAtOneOf } from "../rows/row-location.ts";

/**
 * A role without SELECT is refused before policies are checked: that is no leak. Any other refusal (a
 * function or schema that may not be used, a recursion) proves nothing.
 */
export type Reading = {
  readonly kind: "allowed" | "refused" | "failed";
  readonly violations: readonly Violation[];
  readonly remarks: readonly string[];
};

/** A member sees exactly the rows of their own organizations. */
export function tryReading(trial: Trial): Part<Reading> {
  const { fence, tenancy, facts, actor } = trial;
  const as = requestOf(trial);
  const column = ident(tenancy.column);
  const table = ident(fence.relation);
  const foreign: Sql = sql`
    SELECT count(*) || ' ' || count(*) FILTER (WHERE ${column} = ANY (${foreignRows(trial)}::uuid[])) AS answer
      FROM ${table}
     WHERE (${column} = ANY (${actor.organizations}::uuid[])) IS NOT TRUE
  `;
  const all = sql`SELECT count(*)::text AS answer FROM ${table}`;
  const asked: readonly Try[] = [all, foreign].map((statement) => ({
    as,
    statement,
    answers: true,
  }));
  const guards = guardsOf(trial);
  return {
    tries: [...asked, ...guards],
    judge: ([seen, others, ...guarded]) => {
      if (seen?.kind !== "done") {
        if (seen?.sqlState === "42501" && !seen.inFunction && !facts.granted.select) {
          return { kind: "refused", ...closed(trial, guarded) };
        }
        const why = `${seen?.message} (SQLSTATE ${seen?.sqlState})`;
        const failed = violation(`reading could not be tried: ${why}`);
        return { kind: "failed", violations: [failed], remarks: [] };
      }
      const { violations, remarks } = closed(trial, guarded);
      const leaks = judged(trial, Number(seen.answer), others, foreign);
      return { kind: "allowed", violations: [...leaks, ...violations], remarks };
    },
  };
}

const countsSchema = z
  .string()
  .transform((answer) => answer.split(" "))
  .pipe(z.tuple([z.string(), z.string()]));

function judged(
  trial: Trial,
  count: number,
  others: Tries | undefined,
  statement: Sql,
): readonly Violation[] {
  const expected = ownRows(trial).length;
  const [found, canaries] =
    others?.kind === "done" ? countsSchema.parse(others.answer) : (["?", "?"] as const);
  const isRight = count === expected || (count < expected && !trial.membersSeeAll);
  if (isRight && (found === "0" || found === "?")) return [];
  const what = `sees ${count} rows, of which ${found} are others'; ${expected} are theirs`;
  const answer = `${found} rows, ${canaries} of them of the proof's other organizations`;
  return [{ what, shown: shownBy(trial, statement, answer) }];
}

/**
 * The conditions of the plan's guard on the persona's own rows, each asked by itself: beside policies of the
 * application, which may refuse as they like, a guard that refuses everybody would not be noticed.
 */
function guardsOf(trial: Trial): readonly Try[] {
  const { fence, testRows, facts, actor } = trial;
  // Where the plan's policies are the only ones, reading tells it.
  if (ownRows(trial).length === 0 || (trial.membersSeeAll && facts.granted.select)) return [];
  const own = testRows.locations.filter((_, index) =>
    actor.organizations.includes(testRows.owners[index] ?? ""),
  );
  return facts.guard.map((condition) => ({
    settings: requestOf(trial).settings,
    statement: sql`SELECT count(*)::text AS answer FROM ${ident(fence.relation)} WHERE ${isAtOneOf(own)} AND (${raw(condition)})`,
    answers: true,
  }));
}

function closed(trial: Trial, guarded: readonly Tries[]): Omit<Reading, "kind"> {
  const expected = ownRows(trial).length;
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const outcome of guarded) {
    if (outcome.kind === "done") {
      if (Number(outcome.answer) >= expected) continue;
      violations.push(violation("the plan's guard refuses a member their own rows"));
    } else if (outcome.sqlState === "42501" && !outcome.inFunction) {
      // This session may not call what the guard calls, as requests may.
      remarks.push(`whether its guard lets members through was not tried: ${outcome.message}`);
    } else {
      const why = `${outcome.message} (SQLSTATE ${outcome.sqlState})`;
      violations.push(violation(`the plan's guard fails: ${why}`));
    }
  }
  return { violations, remarks };
}
