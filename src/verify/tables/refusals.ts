import type { TriedCommand } from "../../events/verification.ts";
import type { Refused, Tries, Try } from "../proof/attempt.ts";
import { withoutFiring } from "../proof/attempts.ts";
import type { Trial } from "../proof/trial.ts";
import type { Alive } from "./own-writes.ts";

/**
 * The ways in which a write is tried: as it is and, where triggers or rules of the application may refuse it
 * before policies are checked, without them. None where a trigger would do what a rollback does not undo.
 */
export function waysOf({ facts }: Trial, one: Try): readonly Try[] {
  const { granted, silences, nonTransactionalTrigger } = facts;
  const silent = { ...one, settings: [...(one.settings ?? []), ...withoutFiring] };
  if (nonTransactionalTrigger !== undefined) return silences ? [silent] : [];
  return granted.intervenes && silences ? [one, silent] : [one];
}

/** Several lists of statements as one, and their outcomes as several lists again. */
export function grouped(
  groups: readonly (readonly Try[])[],
  outcomes: readonly Tries[],
): readonly (readonly Tries[])[] {
  const left = [...outcomes];
  return groups.map((group) => left.splice(0, group.length));
}

/**
 * Whether a policy refused it, or a missing privilege. An error proves nothing where the same command fails on
 * the persona's own rows: what refuses everything refuses this too. One that is raised within a function is a
 * refusal of the fence only where the persona's own write got through that function.
 */
export function isHeld(
  { actor, facts, fence }: Trial,
  { sqlState, inFunction, constraintOf }: Refused,
  command: TriedCommand,
  { by }: Alive,
): boolean {
  // The trigger that fills the organization in refuses others' keys as the table's foreign key does.
  const { schema, name } = fence.relation;
  const byOwnTrigger =
    sqlState === "23503" &&
    inFunction &&
    constraintOf?.schema === schema &&
    constraintOf.name === name;
  if (byOwnTrigger) return by[command] !== "fails";
  if (sqlState !== "42501") return false;
  // Policies do not apply to it: only a missing privilege refuses it.
  if (command === "TRUNCATE") return !facts.granted.truncate;
  const own = by[command];
  if (inFunction) return own === "works";
  if (own !== undefined) return own !== "fails";
  // Nothing of their own was tried: they have nothing, or they lack a privilege.
  return actor.organizations.length === 0 || !facts.granted.all;
}

/** SQLSTATEs of row-level security, timeouts and lock conflicts: other errors within a function are its own. */
const notOfFunctions = ["42501", "57014", "55P03", "40P01", "40001"];

/** Triggers may raise any error, violate constraints, and fail to find rows that policies hide. */
export function isRefusedByApplication({ inFunction, sqlState }: Refused): boolean {
  return inFunction && !notOfFunctions.includes(sqlState);
}

export function refusedByApplication({ message }: Refused): string {
  return `the application's own trigger refuses writes: ${message}`;
}

/** Why writes were not tried at all. */
export function notRun({ facts }: Trial): string {
  return `it was not written to: a rollback does not undo its trigger ${facts.nonTransactionalTrigger}, and this role may not keep it from firing`;
}
