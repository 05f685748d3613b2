import { type Queries, sqlState } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { isValidation } from "../steps/table/validation.ts";

/** Why a statement of an inverse was passed over, as the server says it. */
export type PassedOver = {
  /** `lacking`: what it is about was dropped. `violated`: rows violate what it would validate. */
  readonly kind: "lacking" | "violated";
  readonly message: string;
};

/** undefined_table, undefined_column, and undefined_object: a constraint, an index, a role. */
const undefinedObject = ["42P01", "42703", "42704"];

/** foreign_key_violation and check_violation. */
const violation = ["23503", "23514"];

/** Whether an error says that what somebody dropped is not there. */
export function isUndefinedObject(error: unknown): error is Error {
  return error instanceof Error && undefinedObject.includes(sqlState(error) ?? "");
}

/** Whether an error says that rows have a value twice that a unique index would have once. */
export function isUniqueViolation(error: unknown): error is Error {
  return error instanceof Error && sqlState(error) === "23505";
}

/**
 * What somebody dropped since stops no rollback, and neither do rows that violate what is validated
 * again: it is passed over, and the schema's fingerprint tells what is not as it was. What is not of
 * it is there still: a table's function, an index's name, a constraint for all rows to come.
 */
export async function executeInverse(
  queries: Queries,
  statement: Sql,
): Promise<PassedOver | undefined> {
  await queries.execute(sql`SAVEPOINT there`);
  try {
    await queries.execute(statement);
    return undefined;
  } catch (error) {
    const kind = whyPassedOver(error, statement);
    if (kind === undefined || !(error instanceof Error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT there`);
    return { kind, message: error.message };
  }
}

function whyPassedOver(error: unknown, statement: Sql): PassedOver["kind"] | undefined {
  if (isUndefinedObject(error)) return "lacking";
  const violated = violation.includes(sqlState(error) ?? "") && isValidation(statement);
  return violated ? "violated" : undefined;
}
