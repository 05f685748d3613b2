import type { Sql } from "../postgres/sql.ts";
import type { RunContext } from "../run/context.ts";
import { withLockRetry } from "../run/lock-retry.ts";
import { build } from "../run/online-step.ts";
import { type Step, statementsOf } from "../steps/model/step.ts";
import { isUndefinedObject, isUniqueViolation } from "./inverse.ts";

/** Why a statement of an inverse was not executed, for people. */
export function skippedStatement(message: string): string {
  return `skipped, because an object was dropped since: ${message}`;
}

/**
 * Builds the index that an inverse needs first. Rows that violate a unique index do not stop the
 * rollback: the index of now stays, and the fingerprint shows the difference.
 * @returns the statements to execute then
 */
export async function prepare(
  context: RunContext,
  step: Step,
  notice: (text: string) => void,
): Promise<readonly Sql[]> {
  const { down } = step;
  const statements = statementsOf(down);
  if (down.kind !== "exact" || down.prepare === undefined) return statements;
  const { prepare: online } = down;
  try {
    await withLockRetry(context, step, () => build(context, step, online));
    return statements;
  } catch (error) {
    if (isUndefinedObject(error)) {
      notice(skippedStatement(error.message));
      return statements;
    }
    if (!isUniqueViolation(error)) throw error;
    notice(
      `the index is not unique for all organizations again, because rows violate that: ${error.message}`,
    );
    // The invalid index has the name that the next attempt needs.
    await dropPrepared(context, step);
    return [];
  }
}

/**
 * Drops the index that an inverse has prepared and not used: inverses of older versions fail where
 * somebody dropped what the index replaces. One that was used has another name by then.
 */
export async function dropPrepared(context: RunContext, step: Step): Promise<void> {
  const { down } = step;
  if (down.kind !== "exact" || down.prepare === undefined) return;
  const { clean } = down.prepare;
  await withLockRetry(context, step, () => context.session.execute(clean));
}
