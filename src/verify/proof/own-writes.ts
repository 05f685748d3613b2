import { ident, type Sql, sql } from "../../postgres/sql.ts";
import type { Promised } from "../roles/granted.ts";
import { type Attempt, attemptThenUndo, withoutTriggers } from "./attempt.ts";
import { signedInAs } from "./request.ts";
import { insertLikeFirst, ownRows, type Trial } from "./trial.ts";
import { type Violation, violation } from "./violation.ts";

type OwnWrite = {
  readonly what: string;
  readonly statement: Sql;
  readonly promised: Promised;
};

/**
 * Users can write their own rows where the plan's policies allow it, and are refused only by a policy or a
 * missing privilege. Without this check, a fence that refuses every statement would pass as one that keeps
 * others out.
 */
export async function tryOwnWrites(trial: Trial): Promise<readonly Violation[]> {
  const { actor, facts, queries } = trial;
  if (actor.organizations.length === 0) return [];
  const violations: Violation[] = [];
  for (const write of await ownWrites(trial)) {
    const outcome = await withoutTriggers(queries, async (silenced) => {
      const { intervenes, alwaysIntervenes } = facts.granted;
      // What the application's own triggers and rules do to it proves nothing about the fence.
      if (silenced ? alwaysIntervenes : intervenes) return undefined;
      const request = signedInAs(trial.settings, actor.user);
      const tried = await attemptThenUndo(queries, write.statement, request, async () => undefined);
      return tried.outcome;
    });
    const why = outcome === undefined ? undefined : whyNot(trial, write, outcome);
    if (why !== undefined) violations.push(violation(`cannot ${write.what}: ${why}`));
  }
  return violations;
}

async function ownWrites(trial: Trial): Promise<readonly OwnWrite[]> {
  const { fence, tenancy, actor, facts } = trial;
  const { granted, promises } = facts;
  const [own] = ownRows(trial);
  const home = own ?? actor.organizations[0];
  if (home === undefined) return [];
  const table = ident(fence.relation);
  const insertInto = await insertLikeFirst(trial);
  const writes: OwnWrite[] = [];
  if (granted.insertOrganization) {
    const { statement } = insertInto(home);
    writes.push({ what: "insert their own row", statement, promised: promises.insert });
  }
  // Without an own row there is nothing to update or delete.
  if (own === undefined) return writes;
  // A condition applies to rows that the policies for SELECT show.
  const where = granted.selectOrganization
    ? sql` WHERE ${ident(tenancy.column)} = ${own}::uuid`
    : sql``;
  const both = (one: Promised) =>
    promises.select === "members" || !granted.selectOrganization ? one : "none";
  if (granted.updatable !== null) {
    const column = ident(granted.updatable);
    const statement = sql`UPDATE ${table} SET ${column} = ${column}${where}`;
    writes.push({ what: "update their own row", statement, promised: both(promises.update) });
  }
  if (granted.delete) {
    const statement = sql`DELETE FROM ${table}${where}`;
    writes.push({ what: "delete their own row", statement, promised: both(promises.delete) });
  }
  return writes;
}

/** @returns why a write that must be possible is refused */
function whyNot(trial: Trial, { promised }: OwnWrite, outcome: Attempt): string | undefined {
  const isPromised =
    promised === "members" || (promised === "administrators" && isAdministrator(trial));
  if (outcome.kind === "done") {
    return isPromised && outcome.rows === 0 ? "no row is found" : undefined;
  }
  // Policies are checked before constraints and before partitions' own checks: they let the row through.
  if (outcome.sqlState.startsWith("23") || outcome.sqlState === "0A000") return undefined;
  if (outcome.byPolicy && !isPromised) return undefined;
  return `${outcome.message} (SQLSTATE ${outcome.sqlState})`;
}

function isAdministrator({ actor }: Trial): boolean {
  return actor.persona.memberships.every(({ role }) => role !== "member");
}
