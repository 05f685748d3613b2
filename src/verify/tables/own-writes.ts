import type { TriedCommand } from "../../events/verification.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { attemptAlone, type Tries, type Try } from "../proof/attempt.ts";
import { withoutFiring } from "../proof/attempts.ts";
import { ownRows, type Part, requestOf, type Trial } from "../proof/trial.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Promised } from "../roles/granted.ts";

type OwnWrite = {
  readonly command: TriedCommand;
  readonly what: string;
  readonly try: Try;
  readonly promised: Promised;
};

/**
 * What came of the persona's own write: it `works`; it is `not allowed` by a privilege or a policy, which is
 * known; it `fails` without such a reason; or the application's triggers and rules hide what the fence does.
 */
export type Liveness = "works" | "not allowed" | "fails" | "hidden";

/** The same by command, and what is wrong with it. Commands that were not tried are not in it. */
export type Alive = {
  readonly violations: readonly Violation[];
  readonly by: Partial<Readonly<Record<TriedCommand, Liveness>>>;
};

/**
 * Users can write their own rows where the plan's policies allow it, and are refused only by a policy or a
 * missing privilege. Without this check, a fence that refuses every statement would pass as one that keeps
 * others out.
 */
export function tryOwnWrites(trial: Trial): Part<Promise<Alive>> {
  const { granted } = trial.facts;
  // What the application's own triggers and rules do to it proves nothing about the fence.
  const hidden = trial.facts.silences ? granted.alwaysIntervenes : granted.intervenes;
  const writes = ownWrites(trial);
  return {
    tries: hidden ? [] : writes.map((write) => write.try),
    async judge(outcomes) {
      const violations: Violation[] = [];
      const by: Partial<Record<TriedCommand, Liveness>> = {};
      for (const [index, write] of writes.entries()) {
        const outcome = outcomes[index];
        const { kind, why } =
          outcome === undefined
            ? { kind: "hidden" as const, why: undefined }
            : await judged(trial, write, outcome);
        by[write.command] = kind;
        if (why !== undefined) violations.push(violation(`cannot ${write.what}: ${why}`));
      }
      return { violations, by };
    },
  };
}

function ownWrites(trial: Trial): readonly OwnWrite[] {
  const { fence, tenancy, actor, facts, insertInto } = trial;
  const { granted, promises } = facts;
  const [own] = ownRows(trial);
  const home = own ?? actor.organizations[0];
  if (home === undefined) return [];
  const table = ident(fence.relation);
  const as = requestOf(trial);
  const settings = facts.silences ? withoutFiring : [];
  const writes: OwnWrite[] = [];
  const add = (command: TriedCommand, statement: Sql, promised: Promised) => {
    const what = `${command.toLowerCase()} their own row`;
    writes.push({ command, what, try: { as, settings, statement }, promised });
  };
  if (granted.insertOrganization) add("INSERT", insertInto(home).statement, promises.insert);
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
    add("UPDATE", sql`UPDATE ${table} SET ${column} = ${column}${where}`, both(promises.update));
  }
  if (granted.delete) add("DELETE", sql`DELETE FROM ${table}${where}`, both(promises.delete));
  return writes;
}

/** @returns what it shows, and why a write that must be possible is refused */
async function judged(
  trial: Trial,
  write: OwnWrite,
  outcome: Tries,
): Promise<{ readonly kind: Liveness; readonly why: string | undefined }> {
  const { promised } = write;
  const isPromised =
    promised === "members" || (promised === "administrators" && isAdministrator(trial));
  if (outcome.kind === "done") {
    if (outcome.rows > 0) return { kind: "works", why: undefined };
    return isPromised
      ? { kind: "fails", why: "no row is found" }
      : { kind: "not allowed", why: undefined };
  }
  // Policies are checked before constraints and before partitions' own checks: they let the row through.
  if (outcome.sqlState.startsWith("23") || outcome.sqlState === "0A000") {
    return { kind: "works", why: undefined };
  }
  const refused = await attemptAlone(trial.queries, write.try);
  if (refused.kind === "done") return { kind: "works", why: undefined };
  if (refused.byPolicy && !isPromised) return { kind: "not allowed", why: undefined };
  return { kind: "fails", why: `${refused.message} (SQLSTATE ${refused.sqlState})` };
}

function isAdministrator({ actor }: Trial): boolean {
  return actor.persona.memberships.every(({ role }) => role !== "member");
}
